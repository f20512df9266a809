"""Who holds a repository's lock, read from the lock itself: a folder with a file a holder, and a roster.

A lock is provably dead only if its holder ran on this very host and no process has that number any more. Of another host's, or of
a repository that is reached over the network, nothing can be proven from here.
"""

import configparser
import json
import os
import re
import socket
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from borg_cluster.borg_process import environment
from borg_cluster.core.policy import BorgSettings, Repository
from borg_cluster.errors import Refused

_EXCLUSIVE = "lock.exclusive"
_ROSTER = "lock.roster"
_NAME = re.compile(r"(?P<host>.+)\.(?P<pid>\d+)-(?P<thread>[0-9a-f]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock: ``host`` as borg names it; ``pid`` None: the lock's name is not one that borg writes."""

    place: str
    host: str
    pid: int | None
    dead: bool

    def render(self) -> str:
        """Return the holder as people are told."""
        state = "dead" if self.dead else "may be alive"
        return f"process {self.pid or '?'} on {self.host} ({state}): {self.place}"


def find_holders(settings: BorgSettings, repository: Repository) -> tuple[Holder, ...]:
    """Return who holds the lock of a local repository or of its cache here. Raises Refused for one that is not local."""
    path = Path(repository.path.removeprefix("file://"))
    if not path.is_absolute():
        raise Refused(
            f"{repository.path} is reached over the network: who holds its lock can't be proven from here",
            hint="run borg-cluster break-lock on its own host, or see to it that nothing works on it and say: borg break-lock",
        )
    if not (path / "config").is_file():
        raise Refused(f"{path} is no repository", hint="look at the path under repositories: in the configuration")
    made = environment(settings, repository.path)
    host = host_id(made)
    return tuple(holder for folder in (path, *_cache(path, made)) for holder in _holders(folder, host))


def host_id(environ: Mapping[str, str]) -> str:
    """Return the name by which borg knows this host."""
    return environ.get("BORG_HOST_ID") or f"{_full_name()}@{uuid.getnode()}"


def _full_name() -> str:
    name = socket.gethostname()
    try:
        found = socket.getaddrinfo(name, None, 0, socket.SOCK_DGRAM, 0, socket.AI_CANONNAME)
    except OSError:
        return name  # as borg does
    return next((address[3] for address in found if address[3]), name)


def _cache(path: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield the folder of the repository's cache here, if there is one."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path / "config", encoding="utf-8")
        identifier = parser["repository"]["id"].strip()
    except (OSError, configparser.Error, KeyError) as error:
        raise Refused(f"{path / 'config'} can't be read: {error}") from error
    base = Path(environ.get("BORG_BASE_DIR") or environ["HOME"])
    folder = base / ".cache" / "borg" / identifier
    if folder.is_dir():
        yield folder


def _holders(folder: Path, host: str) -> Iterator[Holder]:
    exclusive, roster = folder / _EXCLUSIVE, folder / _ROSTER
    if exclusive.is_dir():
        for name in sorted(os.listdir(exclusive)):  # noqa: PTH208 - names are all that is wanted
            match = _NAME.fullmatch(name)
            if match is None:
                yield Holder(place=os.fspath(exclusive), host=name, pid=None, dead=False)
            else:
                yield _holder(exclusive, match["host"], int(match["pid"]), host)
    if roster.is_file():
        try:
            entries = [entry for group in json.loads(roster.read_bytes() or b"{}").values() for entry in group]
            yield from [_holder(roster, str(other), int(pid), host) for other, pid, _ in entries]
        except (ValueError, AttributeError, TypeError):
            yield Holder(place=os.fspath(roster), host="nobody knows: it can't be read", pid=None, dead=False)


def _holder(place: Path, host: str, pid: int, ours: str) -> Holder:
    return Holder(place=os.fspath(place), host=host, pid=pid, dead=host == ours and not _is_alive(pid))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
