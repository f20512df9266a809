"""Mount the nodes' shares when a run or a restore begins, and let go of them when it ends.

Copy this file to /etc/borg-cluster/hooks.d/ and write smb_mount.yaml beside it (0600):

  mounts:
    - path: /mnt/hv/Volume1                                # the `path:` of a mount in borg-cluster's configuration
      share: //node1.example.test/ClusterStorage$/Volume1  # the volume's own folder, not the share's root
      credentials: /etc/borg-cluster/smb.credentials       # 0600, lines username=, password=, domain= (as mount.cifs has it)
      tool: cifs              # mount.cifs, for root (Debian's cifs-utils); or rclone, which needs no root (rclone, fuse3)
      writable: false         # true: restores write through it
      options: []             # more for mount.cifs (-o), or more words for rclone
      without: []             # of the options below, by their names: what an older kernel does not know (closetimeo)

Without `credentials`, cifs logs in with the ticket of `cruid` (Kerberos); rclone takes SMB_MOUNT_USERNAME, SMB_MOUNT_PASSWORD
and SMB_MOUNT_DOMAIN from the environment. No password is ever an argument of a program. What is mounted already is left as it
is, also at the end. A share that can't be mounted is a warning of a backup (its VMs then fail, each with its reason) and stops a
restore.

Mount each volume of its coordinator, or of any node where it is Direct. With rclone give jobs of volumes
`extra_borg_options: [--noxattrs, --noacls]`: it answers questions about extended attributes with an error, and Borg leaves such
files out.
"""

import atexit
import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from borg_cluster.core.event import Event, RestoreFinished, RunFinished, RunStarted, StepBegun
from borg_cluster.core.planned import PlannedArchive
from borg_cluster.hookspecs import hookimpl

PATIENCE = 45.0
"""Seconds for one share: less than borg-cluster's for a plugin."""

# A frozen disk is read once, from front to back: no cache of the kernel's is any use, and a handle that is closed late holds up
# the merge. Several channels where server and network have them; nosharesock, or all mounts would share one connection.
CIFS_READING = ("ro", "vers=3.1.1", "cache=none", "closetimeo=0", "multichannel", "max_channels=4", "nosharesock")
CIFS_WRITING = ("rw", "vers=3.1.1", "cache=strict", "wsize=4194304", "multichannel", "max_channels=4", "nosharesock")
# Listings and sizes are those of now: snapshots make and remove files. A server that is gone is an error within minutes.
RCLONE = ("--dir-cache-time", "1s", "--attr-timeout", "0s", "--contimeout", "15s", "--timeout", "60s", "--low-level-retries", "3")

guard = threading.Lock()
locks: dict[str, threading.RLock] = {}
"""By path: one share does not wait for another."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """One share, and where it is mounted here."""

    path: str
    share: str
    tool: str = "cifs"
    credentials: str | None = None
    cruid: str | None = None
    writable: bool = False
    options: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


@dataclass
class Mounted:
    """What this process mounted: ``process`` is rclone's, which lives as long as its mount; ``reader`` hears what it says."""

    share: Share
    process: "subprocess.Popen[bytes] | None" = None
    reader: threading.Thread | None = None


mounted: dict[str, Mounted] = {}
"""By path."""


def shares() -> tuple[Share, ...]:
    """Return the shares of the file beside this one. Raises ValueError for what is wrong in it."""
    file = Path(__file__).with_suffix(".yaml")
    if not file.exists():
        return ()
    written = yaml.safe_load(file.read_text(encoding="utf-8"))
    entries = written.get("mounts") if isinstance(written, dict) else None
    if not isinstance(entries, list):
        raise ValueError(f"{file}: mounts: must be a list")  # noqa: TRY004 - it is what somebody wrote
    return tuple(share_of(entry, f"{file}: mount {number}") for number, entry in enumerate(entries, start=1))


def share_of(entry: Any, place: str) -> Share:  # noqa: ANN401 - whatever somebody wrote
    """Return one entry as what it means. Raises ValueError with its place."""
    known = {name: entry[name] for name in Share.__dataclass_fields__ if name in entry} if isinstance(entry, dict) else {}
    strange = set(entry) - set(known) if isinstance(entry, dict) else {"no mapping"}
    if strange:
        raise ValueError(f"{place}: {', '.join(sorted(map(str, strange)))} means nothing here")
    for name in ("options", "without"):
        known[name] = tuple(str(word) for word in known.get(name) or ())
    if not str(known.get("path", "")).startswith("/") or not str(known.get("share", "")).replace("\\", "/").startswith("//"):
        raise ValueError(f"{place}: needs path: /FOLDER and share: //SERVER/SHARE")
    known["share"] = str(known["share"]).replace("\\", "/").rstrip("/")
    if known.get("tool", "cifs") not in {"cifs", "rclone"}:
        raise ValueError(f"{place}: tool: is cifs or rclone")
    return Share(**known)


def cifs_command(share: Share) -> list[str]:
    """Return how mount.cifs is called: with a file of credentials, or with Kerberos."""
    options = list(CIFS_WRITING if share.writable else CIFS_READING)
    if share.credentials is not None:
        options.append(f"credentials={share.credentials}")
    else:
        options += ["sec=krb5", f"cruid={os.geteuid() if share.cruid is None else share.cruid}"]
    kept = [option for option in options if option.partition("=")[0] not in share.without]
    if any("," in option for option in kept):
        raise ValueError(f"{share.path}: no option of mount.cifs may hold a comma")
    return ["mount.cifs", share.share, share.path, "-o", ",".join((*kept, *share.options))]


def rclone_command(share: Share) -> list[str]:
    """Return how rclone is called; who logs in at which server is in its environment."""
    place = share.share.removeprefix("//").partition("/")[2]
    access = () if share.writable else ("--read-only",)
    cache = ("--vfs-cache-mode", "writes" if share.writable else "off")
    return ["rclone", "mount", f":smb:{place}", share.path, *access, *cache, *RCLONE, *share.options]


def rclone_environment(share: Share, environment: Mapping[str, str]) -> dict[str, str]:
    """Return rclone's environment: the password goes in veiled, as rclone wants it, and by standard input."""
    login = login_of(share, environment)
    server, _, port = share.share.removeprefix("//").partition("/")[0].partition(":")
    veiled = subprocess.run(
        ["rclone", "obscure", "-"], input=login["password"], capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout.strip()
    kept = {name: value for name, value in environment.items() if not name.startswith(("SMB_MOUNT_", "RCLONE_SMB_"))}
    return {
        **kept,
        "RCLONE_CONFIG": "/dev/null",
        "RCLONE_SMB_HOST": server,
        "RCLONE_SMB_PORT": port or "445",
        "RCLONE_SMB_USER": login["username"],
        "RCLONE_SMB_DOMAIN": login["domain"] or "WORKGROUP",
        "RCLONE_SMB_PASS": veiled,
    }


def login_of(share: Share, environment: Mapping[str, str]) -> dict[str, str]:
    """Return username, password and domain. Raises PermissionError for a file that everybody may read, ValueError for gaps."""
    if share.credentials is None:
        found = {name: environment.get(f"SMB_MOUNT_{name.upper()}", "") for name in ("username", "password", "domain")}
    else:
        check_credentials(share)
        lines = Path(share.credentials).read_text(encoding="utf-8").splitlines()
        pairs = {name.strip().lower(): value for name, mark, value in (line.partition("=") for line in lines) if mark}
        found = {name: pairs.get(name, pairs.get(name[:4], "")) for name in ("username", "password", "domain")}
    if not found["username"] or not found["password"]:
        raise ValueError(f"{share.path}: no username and password for {share.share}")
    return found


def check_credentials(share: Share) -> None:
    """Raise PermissionError if anybody else may read the credentials, OSError if they are not there."""
    if share.credentials is not None and os.stat(share.credentials).st_mode & (stat.S_IROTH | stat.S_IRGRP):  # noqa: PTH116
        raise PermissionError(f"others may read {share.credentials}: chmod 600 {share.credentials}")


def lock_of(path: str) -> threading.RLock:
    """Return the lock of what is mounted at a path."""
    with guard:
        return locks.setdefault(path, threading.RLock())


def mount(share: Share) -> None:
    """Mount a share, unless something is mounted there already. Raises RuntimeError, with the tool's own words."""
    with lock_of(share.path):
        known = mounted.get(share.path)
        if known is not None and not alive(known):
            unmount(share.path)
        elif known is not None or os.path.ismount(share.path):
            return
        Path(share.path).mkdir(parents=True, exist_ok=True)
        if share.tool == "rclone":
            mounted[share.path] = start_rclone(share)
        else:
            check_credentials(share)
            run(cifs_command(share))
            mounted[share.path] = Mounted(share=share)


def alive(known: Mounted) -> bool:
    """Whether a mount of ours still is one."""
    return os.path.ismount(known.share.path) and (known.process is None or known.process.poll() is None)


def start_rclone(share: Share) -> Mounted:
    """Start rclone and wait for its mount. Raises RuntimeError if that fails."""
    if shutil.which("rclone") is None:
        raise RuntimeError("rclone is not installed (Debian's packages rclone and fuse3)")
    process = subprocess.Popen(
        rclone_command(share),
        env=rclone_environment(share, os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # the terminal's Ctrl-C is for borg-cluster, which then unmounts in order
    )
    tick = threading.Event()
    for _ in range(int(PATIENCE * 20)):
        if os.path.ismount(share.path):
            reader = threading.Thread(target=drain, args=(process,), daemon=True)
            reader.start()
            return Mounted(share=share, process=process, reader=reader)
        if process.poll() is not None:
            break
        tick.wait(0.05)
    process.kill()
    _, told = process.communicate()
    last = told.decode("utf-8", "backslashreplace").strip().splitlines()[-1:] or ["it said nothing"]
    raise RuntimeError(f"rclone did not mount {share.share} at {share.path}: {last[0]}")


def drain(process: "subprocess.Popen[bytes]") -> None:
    """Read what rclone says, so that it never waits for a reader."""
    assert process.stderr is not None  # noqa: S101 - it was asked for
    with process.stderr as told:
        for _ in told:
            pass


def run(command: list[str]) -> None:
    """Run a tool. Raises RuntimeError with what it said last."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            check=False,
            timeout=PATIENCE,
        )
    except FileNotFoundError as error:
        raise RuntimeError(f"{command[0]} is not installed") from error
    if done.returncode:
        told = (done.stderr or done.stdout).strip().splitlines()
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {told[0] if told else 'it said nothing'}")


def unmount(path: str) -> None:
    """Let go of a mount of ours; of one that is in use, as soon as it no longer is."""
    with lock_of(path):
        known = mounted.pop(path, None)
        if known is None:
            return
        command = ["umount", "--lazy", path] if known.process is None else ["fusermount3", "-u", "-z", path]
        try:
            if os.path.ismount(path) or known.process is not None:
                run(command)
        except RuntimeError:
            if os.path.ismount(path):
                raise
        finally:
            if known.process is not None:
                known.process.terminate()
                known.process.wait(PATIENCE)
            if known.reader is not None:
                known.reader.join(PATIENCE)


def mount_all(wanted: tuple[Share, ...]) -> None:
    """Mount what is wanted, all at once. Raises RuntimeError that names each that failed."""
    problems = []
    with ThreadPoolExecutor(max_workers=max(1, len(wanted))) as several:
        for share, done in [(share, several.submit(mount, share)) for share in wanted]:
            try:
                done.result()
            except Exception as error:  # noqa: BLE001 - the others are mounted all the same
                problems.append(f"{share.path}: {' '.join(str(error).split())}")
    if problems:
        raise RuntimeError("; ".join(problems))


@atexit.register
def unmount_all() -> None:
    """Let go of all that this process mounted."""
    for path in tuple(mounted):
        unmount(path)


@hookimpl
def on_event(event: Event) -> None:
    """Mount when a run begins, or a step of a restore; let go at the end."""
    match event:
        case RunStarted() | StepBegun():
            mount_all(shares())
        case RunFinished() | RestoreFinished():
            unmount_all()
        case _:
            pass


@hookimpl
def before_extract() -> None:
    """Mount, or stop the restore before it begins."""
    mount_all(shares())


@hookimpl
def open_source(archive: PlannedArchive) -> None:
    """Mount again what an archive is read from, should the share have gone meanwhile; where it is read is as planned."""
    places = [file.local_path for file in archive.files] + [folder for folder, _ in archive.roots]
    mount_all(tuple(share for share in shares() if any(f"{place}/".startswith(f"{share.path}/") for place in places)))
