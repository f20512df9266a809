"""The demo's own site on disk: a configuration, its secrets, a repository and a state directory, all below one folder."""

import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from borg_cluster.cli.options import CONFIG_VARIABLE
from borg_cluster.errors import BorgFailed, UsageError

_CONFIGURATION = """\
# Written by `borg-cluster demo`: a whole configuration, as one writes it by hand.
cluster: {cluster}

remoting:
  auth: ntlm
  username: {username}
  password: {password}
  ca: {ca}
  port: {port}
  addresses: {addresses}

mounts:
{mounts}

repositories:
  - path: {repository}
    label: main
encryption_passphrase: {passphrase}

borg:
  executable: {borg}
  base_directory: {base}

jobs:
  nightly: # one archive a highly available VM
    kind: virtual_machines
    select:
      include:
        - highly_available: true
    max_age: 26h
  weekly: # one archive a volume, less the files that are in a VM's archive
    kind: volumes
    max_age: 8d
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where the nodes answer and how to log in: what a configuration's ``remoting:`` says."""

    addresses: Mapping[str, str]
    port: int
    ca: Path
    username: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSite:
    """The demo's folder. The simulated cluster is in ``cluster``; the rest is what any site has."""

    folder: Path

    @property
    def cluster(self) -> Path:
        """The simulated cluster: its state, and its volumes as folders."""
        return self.folder / "cluster"

    @property
    def configuration(self) -> Path:
        """The YAML file."""
        return self.folder / "etc" / "config.yaml"

    @property
    def repository(self) -> Path:
        """The Borg repository."""
        return self.folder / "repository"

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which `borg-cluster` finds this site."""
        return {CONFIG_VARIABLE: str(self.configuration), "STATE_DIRECTORY": str(self.folder / "state")}

    @property
    def borg_environment(self) -> dict[str, str]:
        """The variables by which `borg` itself opens the repository, for checks that don't ask borg-cluster."""
        passphrase = self.folder / "etc" / "passphrase"
        return {
            "BORG_REPO": str(self.repository),
            "BORG_PASSCOMMAND": f"cat {shlex.quote(str(passphrase))}",
            "BORG_BASE_DIR": str(self.folder / "borg"),
            "BORG_SELFTEST": "disabled",  # it has just passed, in the runs that are checked
        }

    def borg(self, *arguments: str) -> bytes:
        """Run borg itself and return what it prints. Raises BorgFailed."""
        environment = {"PATH": os.environ["PATH"], **self.borg_environment}
        done = subprocess.run([borg_executable(), *arguments], env=environment, capture_output=True, check=False)
        if done.returncode != 0:
            last = done.stderr.decode(errors="backslashreplace").strip().rpartition("\n")[2]
            raise BorgFailed(f"borg {arguments[0]}: {last}", return_code=done.returncode)
        return done.stdout

    def files_of(self, archive: str) -> tuple[str, ...]:
        """Return the regular files of an archive, from borg's own list, without those that are about the archive."""
        lines = self.borg("list", "--json-lines", f"::{archive}").splitlines()
        items = (json.loads(line) for line in lines)
        return tuple(item["path"] for item in items if item["type"] == "-" and not item["path"].startswith(".borg-cluster/"))


def borg_executable() -> str:
    """Return the borg beside this Python, or the one that PATH has. Raises UsageError."""
    beside = Path(sys.executable).parent / "borg"
    found = str(beside) if beside.exists() else shutil.which("borg")
    if found is None:
        raise UsageError("borg is not installed", hint="pip install 'borgbackup>=1.4,<1.5'")
    return found


def make_site(site: DemoSite, *, cluster: str, reach: Reach, volumes: Mapping[str, Path]) -> None:
    """Write the configuration and its secrets, and make the repository. ``volumes``: Windows path -> folder here."""
    site.configuration.parent.mkdir(mode=0o700, parents=True)
    (site.folder / "state").mkdir(mode=0o700)
    write_secret(site, "passphrase", secrets.token_urlsafe())
    write_secret(site, "node-password", reach.password)
    mounts = "\n".join(f"  - windows: '{windows}'\n    path: {_quoted(path)}" for windows, path in volumes.items())
    text = _CONFIGURATION.format(
        cluster=cluster,
        username=_quoted(reach.username),
        password=_quoted(f"{{credential file {site.folder}/etc/node-password}}"),
        ca=_quoted(reach.ca),
        port=reach.port,
        addresses=json.dumps(dict(reach.addresses)),
        mounts=mounts,
        repository=_quoted(site.repository),
        passphrase=_quoted(f"{{credential file {site.folder}/etc/passphrase}}"),
        borg=_quoted(borg_executable()),
        base=_quoted(site.folder / "borg"),
    )
    site.configuration.write_text(text, encoding="utf-8")
    site.borg("init", "--encryption", "repokey-blake2")


def reach_again(site: DemoSite, reach: Reach) -> None:
    """Change only what is new when a kept cluster is served again, addresses and account; the rest may have been edited."""
    write_secret(site, "node-password", reach.password)
    text = site.configuration.read_text(encoding="utf-8")
    values = {"username": _quoted(reach.username), "port": reach.port, "addresses": json.dumps(dict(reach.addresses))}
    lines = text.split("\n")
    for key, value in values.items():
        lines = [f"  {key}: {value}" if line.startswith(f"  {key}:") else line for line in lines]
    site.configuration.write_text("\n".join(lines), encoding="utf-8")


def write_secret(site: DemoSite, name: str, secret: str) -> None:
    """Write a file that only its owner may read."""
    path = site.folder / "etc" / name
    path.touch(mode=0o600)
    path.write_text(secret, encoding="utf-8")


def _quoted(value: object) -> str:
    """Return YAML for a text that may hold anything: JSON's strings are YAML's as well."""
    return json.dumps(str(value))


@contextmanager
def environment_of(site: DemoSite) -> Iterator[None]:
    """Let borg-cluster, in this process, find this site and no other."""
    before = {name: os.environ.get(name) for name in site.environment}
    os.environ.update(site.environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
