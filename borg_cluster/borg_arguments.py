"""Borg's command lines, as values: nothing here runs anything."""

import os
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from borg_cluster.borg_starter import BESIDE
from borg_cluster.core.policy import BorgSettings

CHANGED = "C"
FAILED = "E"
"""Borg's letters for a file that changed while it was read, and one that could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOptions:
    """How an archive is written.

    ``files_cache`` False: read every file, since a running VM's disk may have changed without a newer time stamp.
    ``attributes`` False: no ACLs, extended attributes and flags, which some network file systems fail to list.
    """

    compression: str | None = None
    chunker_params: str | None = None
    extra: tuple[str, ...] = ()
    files_cache: bool = True
    attributes: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """How borg is told what to read: options, recursion roots or files on the command line, bytes on stdin."""

    options: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    stdin: bytes = b""


def common_arguments(settings: BorgSettings) -> tuple[str, ...]:
    """Return the options that stand before each command."""
    limit = () if settings.upload_rate_limit is None else ("--upload-ratelimit", str(settings.upload_rate_limit))
    # with 0, borg clears a dead process's lock and gives up all the same: it looks once only
    return ("--log-json", "--lock-wait", str(max(1, settings.lock_wait)), "--umask", f"{settings.umask:04o}", *limit)


def create_arguments(options: CreateOptions) -> tuple[str, ...]:
    """Return the command and options of a create; what the job adds comes last, so that it counts."""
    arguments = ["--progress", "create", "--json", "--list", "--filter", CHANGED + FAILED]
    arguments += [
        "--files-cache",
        "mtime,size" if options.files_cache else "disabled",
    ]  # inodes don't last on network file systems
    if not options.attributes:
        arguments += ["--noacls", "--noxattrs", "--noflags"]
    if options.compression is not None:
        arguments += ["--compression", options.compression]
    if options.chunker_params is not None:
        arguments += ["--chunker-params", options.chunker_params]
    return (*arguments, *options.extra)


def from_files(paths: tuple[str, ...]) -> Source:
    """Return how borg is given exactly these files.

    By a NUL-separated list, which takes any name but one with CR: borg reads the list as text and makes LF of it. Such a list of
    files goes on the command line, which takes no bytes that aren't UTF-8 (the archive's own description can't hold them).
    """
    if any("\r" in path for path in paths):
        return Source(paths=paths)
    stdin = b"\0".join(os.fsencode(path) for path in paths)
    return Source(options=("--paths-from-stdin", "--paths-delimiter", r"\0"), stdin=stdin)


def from_roots(paths: tuple[str, ...], patterns: tuple[str, ...]) -> Source:
    """Return how borg is given the lines of a pattern file, and recursion roots that can't stand in one."""
    stdin = "".join(f"{line}\n" for line in patterns).encode()
    return Source(options=("--patterns-from", "/dev/stdin"), paths=paths, stdin=stdin)


def literal(text: str) -> str:
    """Return text that borg takes as it is: braces would be placeholders."""
    plain = text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return plain.replace("{", "{{").replace("}", "}}")


def said_beside(program: str) -> str | None:
    """Return what the borg that is installed beside us says of its version: a process less. None: it is another one."""
    if Path(program) != BESIDE:
        return None
    try:
        return f"borg {metadata.version('borgbackup')}"
    except metadata.PackageNotFoundError:
        return None
