"""The child process: Borg's own program with one class swapped.

Run as ``python -m borg_cluster.changed_blocks REQUEST BORG-ARGUMENTS...``.
REQUEST is a file of JSON (``request.Request``). Whatever keeps it from being followed means a plain ``borg create``.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from borg_cluster.changed_blocks import guard
from borg_cluster.changed_blocks.reading import processors
from borg_cluster.changed_blocks.request import ASK, ASKED, DiskOutcome, Request, dump_outcome, load_request


def tell(outcome: DiskOutcome) -> None:
    """Write an outcome among Borg's own lines."""
    sys.stderr.write(dump_outcome(outcome) + "\n")
    sys.stderr.flush()


def refuse(request: Request, reason: str) -> None:
    """Say of each disk why it is read in full."""
    for disk in request.disks:
        tell(DiskOutcome(archive_path=disk.archive_path, taken=0, read=0, compared=0, reason=reason, wrong=()))


def needed() -> SimpleNamespace:
    """Return what the source of chunks needs of Borg."""
    archive, cache, constants, helpers = (import_module(f"borg.{name}") for name in ("archive", "cache", "constants", "helpers"))
    return SimpleNamespace(
        Archive=archive.Archive,
        BackupError=archive.BackupError,
        Chunk=archive.Chunk,
        cached_hash=archive.cached_hash,
        LocalCache=cache.LocalCache,
        CH_ALLOC=constants.CH_ALLOC,
        CH_DATA=constants.CH_DATA,
        zeros=constants.zeros,
        Error=helpers.Error,
        make_path_safe=helpers.make_path_safe,
    )


def main(arguments: list[str]) -> None:
    """Run Borg; ends the process with Borg's own exit code."""
    if arguments == [ASK]:
        sys.stderr.write(json.dumps({"type": ASKED, "refusal": guard.refusal()}) + "\n")
        return
    request = load_request(Path(arguments[0]).read_text(encoding="utf-8"))
    sys.argv = ["borg", *arguments[1:]]
    reason = guard.refusal()
    archiver: Any = import_module("borg.archiver")
    if reason is None:
        stock = archiver.FilesystemObjectProcessors
        archiver.FilesystemObjectProcessors = processors(stock, needed(), request, tell)
    else:
        refuse(request, reason)
    archiver.main()


if __name__ == "__main__":
    main(sys.argv[1:])
