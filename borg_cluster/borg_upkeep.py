"""What is asked of a repository besides writing and restoring: remove, compact, check, compare, show, hand out."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from borg_cluster.borg import Borg
from borg_cluster.borg_arguments import literal
from borg_cluster.borg_process import Finished
from borg_cluster.core.policy import CheckKind
from borg_cluster.errors import BorgFailed

_NO_FUSE = "no FUSE support"
_BATCH = 100
"""Archives that one call removes: each call opens and closes the repository."""
_CHECKS = {
    CheckKind.REPOSITORY: ("--repository-only",),
    CheckKind.ARCHIVES: ("--archives-only",),
    CheckKind.DATA: ("--archives-only", "--verify-data"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """How a file differs between two archives: ``kind`` 'added', 'removed' or 'modified'; bytes that came and went."""

    path: str
    kind: str
    added: int
    removed: int


class UpkeepBorg(Borg):
    """A repository, with what its upkeep needs."""

    def delete_all(self, archives: tuple[str, ...]) -> None:
        """Remove archives by their exact names. Raises BorgFailed; then look at what is still there."""
        for start in range(0, len(archives), _BATCH):
            first, *others = archives[start : start + _BATCH]
            after = tuple(literal(archive) for archive in others)
            self._run(("delete", "--"), archive=first, after=after, answer=_nothing)

    def compact(self, threshold: int) -> str:
        """Free the space of what was removed; return Borg's word on how much. ``threshold`` percent a segment must save."""
        finished, _ = self._run(("--info", "compact", "--threshold", str(threshold)), archive=None, answer=_nothing)
        _refuse(finished)
        return next((message.text for message in finished.messages if "freed" in message.text), "nothing was to be freed")

    def check(self, kind: CheckKind) -> None:
        """Make one of Borg's checks; it never repairs. Raises BorgFailed with the first thing that Borg found wrong."""
        finished, _ = self._run(("--info", "check", *_CHECKS[kind]), archive=None, answer=_nothing)
        wrong = [message.text for message in finished.messages if message.level in {"ERROR", "WARNING", "CRITICAL"}]
        if finished.return_code or wrong:
            more = f" (and {len(wrong) - 1} more lines)" if len(wrong) > 1 else ""
            found = wrong[0] if wrong else f"it ended with code {finished.return_code}"
            raise BorgFailed(
                f"borg check: {found}{more}",
                hint=f"before anything else copy the repository; then read: borg check --help; {self.repository.path}",
                return_code=finished.return_code,
                msgid=None,
            )

    def diff(self, archive: str, other: str) -> tuple[FileChange, ...]:
        """Return the files whose content differs, from ``archive`` to ``other``, by path."""
        command = ("diff", "--json-lines", "--content-only")
        _, answer = self._run(command, archive=archive, after=(literal(other),), answer=_bytes)
        changes = (_change(json.loads(line)) for line in answer.splitlines() if line)
        return tuple(sorted((change for change in changes if change is not None), key=lambda change: change.path))

    def info(self, archive: str | None = None) -> dict[str, Any]:
        """Return what `borg info --json` says of one archive, or of the repository."""
        _, answer = self._run(("info", "--json"), archive=archive, answer=_bytes)
        found: dict[str, Any] = json.loads(answer)
        return found

    def comments(self) -> dict[str, str]:
        """Return the comment of each archive by its name, oldest first, without those called ``*.checkpoint``."""
        rows = json.loads(self._text("list", "--json", "--format", "{comment}"))["archives"]
        return {row["name"]: row["comment"] for row in rows}

    def mount(self, archive: str, folder: Path) -> None:
        """Mount an archive, read-only, on an empty folder; borg goes on in the background. Raises BorgFailed: no FUSE, say."""
        try:
            finished, _ = self._run(("mount",), archive=archive, after=(os.fspath(folder),), answer=_nothing)
        except BorgFailed as error:
            if _NO_FUSE not in error.message:
                raise
            hint = "pip install '.[fuse]' where borg-cluster is installed (Debian: apt install fuse3 libfuse3-dev pkg-config gcc)"
            message = "borg has no FUSE library, which a mount needs"
            raise BorgFailed(message, hint=hint, **error.fields) from error
        _refuse(finished)

    def umount(self, folder: Path) -> None:
        """End a mount."""
        finished, _ = self._run(("umount",), archive=None, after=(os.fspath(folder),), answer=_nothing)
        _refuse(finished)

    def export_tar(self, archive: str, to: IO[bytes]) -> None:
        """Write an archive's files as a tar file. Raises BorgFailed if any of them could not be had."""
        finished, _ = self._run(("export-tar",), archive=archive, after=("-",), answer=lambda out: shutil.copyfileobj(out, to))
        _refuse(finished)

    def break_lock(self) -> None:
        """Take the locks of the repository and its cache away, whoever holds them: look at them first (``borg_locks``)."""
        finished, _ = self._run(("break-lock",), archive=None, answer=_nothing)
        _refuse(finished)


def _refuse(finished: Finished) -> None:
    if finished.return_code:
        told = finished.messages[0].text if finished.messages else f"it ended with code {finished.return_code}"
        raise BorgFailed(f"borg: {told}", return_code=finished.return_code, msgid=None)


def _bytes(stdout: IO[bytes]) -> bytes:
    return stdout.read()


def _nothing(stdout: IO[bytes]) -> None:
    stdout.read()


def _change(line: dict[str, Any]) -> FileChange | None:
    """Return the change of one line of `borg diff`; None for one that is about no content."""
    added = removed = 0
    kinds: set[str] = set()
    for change in line["changes"]:
        kind = change["type"].partition(" ")[0]
        if kind in {"added", "removed", "modified"}:
            kinds.add(kind)
            added += change.get("added", change.get("size", 0) if kind == "added" else 0)
            removed += change.get("removed", change.get("size", 0) if kind == "removed" else 0)
    if not kinds:
        return None
    kind = kinds.pop() if len(kinds) == 1 else "modified"
    return FileChange(path=line["path"], kind=kind, added=added, removed=removed)
