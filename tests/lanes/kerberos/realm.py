"""A Kerberos realm of our own: MIT's KDC in a folder, on a port of the loopback interface."""

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REALM = "EXAMPLE.TEST"

_CLIENT = """[libdefaults]
    default_realm = {realm}
    dns_lookup_realm = false
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
    default_ccache_name = FILE:{folder}/tickets
[realms]
    {realm} = {{
        kdc = 127.0.0.1:{port}
    }}
[domain_realm]
    .example.test = {realm}
"""

_SERVER = """[kdcdefaults]
    kdc_listen = 127.0.0.1:{port}
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
    {realm} = {{
        database_name = {folder}/principals
        key_stash_file = {folder}/stash
        acl_file = {folder}/acl
    }}
[logging]
    kdc = STDERR
"""


@dataclass(frozen=True, kw_only=True)
class Realm:
    """A running realm; this process' Kerberos looks at it and no other."""

    folder: Path
    environment: dict[str, str]

    def add_user(self, name: str, password: str) -> str:
        """Add a user; return the principal."""
        self._administer("addprinc", "-pw", password, f"{name}@{REALM}")
        return f"{name}@{REALM}"

    def add_host(self, name: str) -> None:
        """Add a host, whose key goes to the key table of the simulated nodes."""
        principal = f"host/{name}@{REALM}"
        self._administer("addprinc", "-randkey", principal)
        self._administer("ktadd", "-k", str(self.folder / "keytab"), principal)

    def get_ticket(self, principal: str, password: str) -> None:
        """Log in as a user does: kinit."""
        subprocess.run(["kinit", principal], input=f"{password}\n", env=self._env(), check=True, capture_output=True, text=True)

    def drop_tickets(self) -> None:
        """Log out."""
        subprocess.run(["kdestroy", "-A", "-q"], env=self._env(), check=True, capture_output=True)

    def _administer(self, *words: str) -> None:
        subprocess.run(["kadmin.local", "-r", REALM, *words], env=self._env(), check=True, capture_output=True)

    def _env(self) -> dict[str, str]:
        return {**os.environ, **self.environment}


@contextmanager
def running(folder: Path) -> Iterator[Realm]:
    """Run a realm with its files in ``folder`` for the duration of the ``with``."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name, text in (("krb5.conf", _CLIENT), ("kdc.conf", _SERVER)):
        (folder / name).write_text(text.format(realm=REALM, folder=folder, port=port), encoding="utf-8")
    environment = {
        "KRB5_CONFIG": str(folder / "krb5.conf"),
        "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
        "KRB5_KTNAME": f"FILE:{folder / 'keytab'}",
        "KRB5CCNAME": f"FILE:{folder / 'tickets'}",
        "KRB5RCACHENAME": f"dfl:{folder}",
    }
    realm = Realm(folder=folder, environment=environment)
    create = ["kdb5_util", "-r", REALM, "-P", secrets.token_hex(), "create", "-s"]
    subprocess.run(create, env={**os.environ, **environment}, check=True, capture_output=True)
    process = subprocess.Popen(
        ["krb5kdc", "-n", "-r", REALM], env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stderr is not None
        try:
            heard = [next(process.stderr, "")]
            while heard[-1] and "commencing operation" not in heard[-1]:
                heard.append(next(process.stderr, ""))
            assert process.poll() is None, "".join(heard)
            yield realm
        finally:
            process.terminate()
