"""A real smbd of our own: on a high port of the loopback interface, with all that it writes in a folder."""

import os
import pwd
import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SHARE = "ClusterStorage$"
_CONFIGURATION = """[global]
    workgroup = EXAMPLE
    server role = standalone server
    smb ports = {port}
    interfaces = lo
    bind interfaces only = yes
    disable netbios = yes
    load printers = no
    disable spoolss = yes
    map to guest = never
    passdb backend = tdbsam:{folder}/passdb.tdb
    private dir = {folder}
    state directory = {folder}
    cache directory = {folder}
    lock directory = {folder}
    pid directory = {folder}
    ncalrpc dir = {folder}/ncalrpc
    log file = {folder}/log
[{share}]
    path = {shared}
    read only = no
"""


@dataclass(frozen=True, kw_only=True)
class Samba:
    """A running server and how to log in."""

    folder: Path
    port: int
    username: str
    password: str
    process: "subprocess.Popen[bytes]"

    @property
    def share(self) -> str:
        """The share, as smb_mount.yaml has it."""
        return f"//127.0.0.1:{self.port}/{SHARE}"

    def credentials(self) -> Path:
        """Write a file of credentials and return it."""
        file = self.folder / "credentials"
        file.write_text(f"username={self.username}\npassword={self.password}\ndomain=EXAMPLE\n", encoding="utf-8")
        file.chmod(0o600)
        return file

    def kill(self) -> None:
        """End it as a power cut does, with all that serve its clients."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def serve(shared: Path, folder: Path) -> Iterator[Samba]:
    """Share a folder with one user: whoever runs this."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configuration = folder / "smb.conf"
    configuration.write_text(_CONFIGURATION.format(port=port, folder=folder, shared=shared, share=SHARE), encoding="utf-8")
    username, password = pwd.getpwuid(os.geteuid()).pw_name, f"p,'\\ {secrets.token_urlsafe()}"
    add = ["smbpasswd", "-c", str(configuration), "-s", "-a", username]
    subprocess.run(add, input=f"{password}\n{password}\n", text=True, capture_output=True, check=True)
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            ["smbd", "-F", "--no-process-group", "-s", str(configuration)],
            stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip
    samba = Samba(folder=folder, port=port, username=username, password=password, process=process)
    try:
        _await(samba)
        yield samba
    finally:
        samba.kill()


def _await(samba: Samba) -> None:
    """Return when it accepts connections; it ends where it can't."""
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", samba.port), timeout=5):
            return
        try:
            samba.process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError((samba.folder / "said").read_text(errors="backslashreplace"))
