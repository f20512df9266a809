"""Who holds a claim, as text that people read and that this very machine can later judge by.

A claim lies on the cluster and outlives the process that made it. Only the machine that made it can prove that its holder is
dead; of any other machine's claim nothing is ever assumed.
"""

import os
import re
import socket
from hashlib import sha256
from pathlib import Path

_HOLDER = re.compile(
    r"borg-cluster on (?P<host>.+), pid (?P<pid>\d+) begun at (?P<begun>\d+), machine (?P<machine>[0-9a-f]{12}), "
    r"boot (?P<boot>[0-9a-f-]+), space (?P<space>\d+)"
)
_MACHINE, _BOOT, _SPACE = Path("/etc/machine-id"), Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
_PARENT_FIELD, _BEGUN_FIELD = 1, 19
"""Of what follows the program's name in /proc/PID/stat: ppid, and starttime in ticks since boot (proc(5), fields 4 and 22)."""


_SHELLS = {"sh", "dash", "bash", "ash", "busybox", "ksh", "zsh"}
_COMMAND = re.compile(r"-[a-z]*c[a-z]*")
"""A shell's options with which it carries out one line: what is begun like that outlives it."""


def this_process() -> str:
    """Return this process as the holder of a claim."""
    return process(os.getpid())


def process(pid: int) -> str:
    """Return a process of this machine as a holder; where that can't be told for sure, one that is never judged dead."""
    begun = _begun(pid)
    try:
        machine, boot, space = _machine(), _BOOT.read_text(encoding="ascii").strip(), _SPACE.stat().st_ino
    except OSError:
        machine = None
    who = f"borg-cluster on {socket.gethostname()}, pid {pid}"
    if machine is None or begun is None:
        return who
    return f"{who} begun at {begun}, machine {machine}, boot {boot}, space {space}"


def user_of_this() -> int:
    """Return the process that wants what this one does: its parent, or that one's if it is a shell that does this line alone."""
    pid = os.getppid()
    while pid > 1:
        words = _words(pid)
        if not (words and Path(words[0]).name.lstrip("-") in _SHELLS and any(_COMMAND.fullmatch(word) for word in words[1:2])):
            return pid
        pid = _parent(pid)
    return max(pid, 1)


def _words(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def is_dead(holder: str) -> bool:
    """Return whether a holder is provably dead: it ran on this machine, before its last start or as a process that is no more."""
    return _lives(holder) is False


def is_alive(holder: str) -> bool:
    """Return whether a holder is provably alive: a process of this machine that is still there."""
    return _lives(holder) is True


def _lives(holder: str) -> bool | None:
    """Return whether a holder is alive; None: it can't be told from here."""
    told = _HOLDER.fullmatch(holder)
    if told is None:
        return None
    try:
        here = (socket.gethostname(), _machine())
        boot, space = _BOOT.read_text(encoding="ascii").strip(), _SPACE.stat().st_ino
    except OSError:
        return None
    if (told["host"], told["machine"]) != here:
        return None
    if told["boot"] != boot:
        return False
    # in another container's numbering the same number means another process
    return _begun(int(told["pid"])) == int(told["begun"]) if int(told["space"]) == space else None


def _machine() -> str | None:
    identity = _MACHINE.read_text(encoding="ascii", errors="replace").strip()
    return sha256(f"borg-cluster {identity}".encode()).hexdigest()[:12] if identity else None


def _begun(pid: int) -> int | None:
    """Return when a process began; None if there is none of that number."""
    fields = _stat(pid)
    return None if fields is None else int(fields[_BEGUN_FIELD])


def _parent(pid: int) -> int:
    fields = _stat(pid)
    return 1 if fields is None else int(fields[_PARENT_FIELD])


def _stat(pid: int) -> list[str] | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return stat.rpartition(")")[2].split()
