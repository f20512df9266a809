"""The Borg repository: what is asked of borg, as argument lists, and what it answers.

``/./`` in a source path ends what is no part of the path inside the archive (borg 1.4).
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, TypeVar

from borg_cluster import borg_starter, changed_blocks
from borg_cluster.borg_arguments import (
    CreateOptions,
    common_arguments,
    create_arguments,
    from_files,
    from_roots,
    literal,
    said_beside,
)
from borg_cluster.borg_created import Created, Elsewhere, created
from borg_cluster.borg_items import StoredFile, read_items
from borg_cluster.borg_process import Call, Finished, Message, environment, run, run_elsewhere
from borg_cluster.borg_reader import PROGRAM, ArchiveReader, open_archive
from borg_cluster.changed_blocks import DiskOutcome
from borg_cluster.core.policy import BorgSettings, Repository
from borg_cluster.errors import BorgFailed, UsageError
from borg_cluster.stopping import Stop

T = TypeVar("T")
Heed = Callable[[int, int, str | None], None]
"""Progress: bytes done, bytes in all (0: not known), the path under way."""

_QUICK_STATS = (1, 4, 5)
"""Since then --json need not walk every archive of the repository."""
_VERSION = re.compile(r"borg 1\.([4-9]|\d{2})\.\d+")
_TESTED: set[str] = set()
"""The borgs that this process has let test themselves: once is enough for the same program, and takes a third of a short call."""
_NEVER_MATCHED = "IncludePatternNeverMatchedWarning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What the child process of changed blocks is told (``request``, a file), and who hears what it tells of each disk."""

    request: Path
    hear: Callable[[DiskOutcome], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedArchive:
    """An archive of a repository; ``start`` ISO, UTC."""

    name: str
    archive_id: str
    start: str


class Borg:
    """One repository.

    Args:
        settings: how borg is run.
        repository: where.
        secret: resolves a reference such as '{credential file PATH}'; called when borg needs the passphrase.
        stop: ends borg when it is set, from whichever thread (None: nothing does).
    """

    def __init__(
        self, settings: BorgSettings, repository: Repository, *, secret: Callable[[str], str], stop: Stop | None = None
    ) -> None:
        self.repository = repository
        self._settings = settings
        self._secret = secret
        self._stop = stop or Stop()
        self._version: str | None = None

    def init(self, *, encryption: str) -> None:
        """Make the repository; ``encryption`` as `borg init --encryption` has it. Raises RepositoryRefused if there is one."""
        self._text("init", "--encryption", encryption)

    def check_repository(self) -> None:
        """Open the repository. Raises RepositoryRefused with borg's own reason if it is missing, locked or does not open."""
        self.version()
        self._text("list", "--json", "--last", "1")

    def version(self) -> str:
        """Return borg's version: ``1.4.5``. Raises UsageError if what is configured is no borg 1.4, which alone knows ``/./``."""
        if self._version is None:
            said = said_beside(find_borg(self._settings.executable)) or self._text("--version").decode(errors="replace").strip()
            if not _VERSION.match(said):
                hint = "borg: executable: in the configuration must be a borg 1.4"
                told = f"says '{said[:40]}'" if said.isprintable() and said else "doesn't say so"
                raise UsageError(f"{find_borg(self._settings.executable)} is no borg 1.4: it {told}", hint=hint)
            self._version = said.removeprefix("borg").strip()
        return self._version

    def create(  # noqa: PLR0913 - what is written, how, and who listens
        self,
        archive: str,
        *,
        comment: str,
        options: CreateOptions,
        paths: tuple[str, ...] = (),
        patterns: tuple[str, ...] | None = None,
        heed: Heed | None = None,
        telling: Telling | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> Created:
        """Write an archive of ``paths``: exactly these files, or, with ``patterns`` (lines of a pattern file), recursion roots.

        ``telling`` lets disks be taken over in part from an earlier archive (``changed_blocks``).
        ``elsewhere`` has the command run by somebody else.
        Returns what was written, with the files that changed or could not be read; an archive stands even then. Raises
        RepositoryRefused or BorgFailed.
        """
        quick = ("--quick-stats",) if _numbers(self.version()) >= _QUICK_STATS else ()
        source = from_files(paths) if patterns is None else from_roots(paths, patterns)
        command = (*create_arguments(options), *quick, "--comment", literal(comment), *source.options)
        if elsewhere is not None:
            call = self._call((find_borg(self._settings.executable),), (*command, *_place(archive), *source.paths))
            return created(*run_elsewhere(call, elsewhere(replace(call, stdin=source.stdin))))
        finished, answer = self._run(
            command, archive=archive, after=source.paths, stdin=source.stdin, answer=_bytes, heed=heed, telling=telling
        )
        return created(finished, answer)

    def takes_no_child(self) -> str | None:
        """Return why `create` can't take disks over in part with the borg that is configured, or None."""
        configured = find_borg(self._settings.executable)
        beside = os.fspath(borg_starter.BESIDE)
        return None if configured == beside else f"borg: executable: is {configured}, not the Borg that is installed with us"

    def takes_nothing_over(self) -> str | None:
        """Return why `create` reads all disks in full with the borg that is configured, or None. Asks it; raises BorgFailed."""
        reason = self.takes_no_child()
        if reason is not None:
            return reason
        call = replace(self._call(changed_blocks.PROGRAM, ()), arguments=(*changed_blocks.PROGRAM, changed_blocks.ASK))
        told: list[Mapping[str, Any]] = []
        run(call, answer=_bytes, heed=told.append, stop=self._stop)
        refusals = [message["refusal"] for message in told if message["type"] == changed_blocks.ASKED]
        return refusals[0] if refusals else "it doesn't say whether it can be worked with"

    def list_archives(self, glob: str = "*") -> tuple[ListedArchive, ...]:
        """Return the archives whose names match ``glob``, oldest first, those called ``*.checkpoint`` included."""
        answer = json.loads(self._text("list", "--json", "--consider-checkpoints", "--glob-archives", literal(glob)))
        rows = answer["archives"]
        return tuple(ListedArchive(name=row["name"], archive_id=row["id"], start=row["start"]) for row in rows)

    def list_files(self, archive: str) -> tuple[StoredFile, ...]:
        """Return all items of an archive, with a hash of each file's ordered chunk ids. Raises BorgFailed if there is none."""
        _, items = self._run(("debug", "dump-archive"), archive=archive, after=("-",), answer=lambda out: tuple(read_items(out)))
        sources = {item.path: item for item in items}
        return tuple(_follow(item, sources) for item in items)

    def rename(self, archive: str, name: str) -> None:
        """Give an archive another name. Its id changes, its chunks do not. Raises BorgFailed if the name is taken."""
        self._run(("rename",), archive=archive, after=(literal(name),), answer=_bytes)

    def delete(self, archive: str) -> None:
        """Delete an archive; its space is freed by `borg compact`."""
        self._run(("delete",), archive=archive, answer=_bytes)

    def extract(self, archive: str, paths: tuple[str, ...], destination: Path, *, heed: Heed | None = None) -> None:
        """Extract files or folders (empty: all) below ``destination``, which exists. Holes are written as zeros.

        Raises BorgFailed if a path is not in the archive or borg warns about anything: a restore takes no half files.
        """
        finished, _ = self._run(
            ("--progress", "extract"), archive=archive, after=_inclusions(paths), answer=_bytes, heed=heed, folder=destination
        )
        self._refuse_warnings(finished)

    def rehearse(self, archive: str, paths: tuple[str, ...], *, heed: Heed | None = None) -> None:
        """Read files as ``extract`` does, each chunk checked, and write nothing. Raises as ``extract``."""
        finished, _ = self._run(
            ("--progress", "extract", "--dry-run"), archive=archive, after=_inclusions(paths), answer=_bytes, heed=heed
        )
        self._refuse_warnings(finished)

    def read_file(self, archive: str, path: str) -> bytes:
        """Return the content of one small file. Raises BorgFailed if it is not in the archive."""
        finished, content = self._run(("extract", "--stdout"), archive=archive, after=_inclusions((path,)), answer=_bytes)
        self._refuse_warnings(finished)
        return content

    def open_archive(self, archive: str, paths: tuple[str, ...]) -> AbstractContextManager[ArchiveReader]:
        """Open files of an archive to read ranges of them; the repository stays locked (shared) meanwhile.

        Raises RepositoryRefused or BorgFailed, at once or while it is read. Borg's own Python does it, the one installed with us,
        whatever ``borg: executable:`` is.
        """
        return open_archive(self._call(PROGRAM, ("extract", *_place(archive))), paths)

    def _refuse_warnings(self, finished: Finished) -> None:
        if finished.return_code:
            told = finished.messages[0] if finished.messages else Message(level="WARNING", msgid=None, text="it warned")
            missing = "the archive does not hold it: " if told.msgid == _NEVER_MATCHED else ""
            raise BorgFailed(f"borg: {missing}{told.text}", return_code=finished.return_code, msgid=told.msgid)

    def _text(self, *command: str) -> bytes:
        return self._run(command, archive=None, answer=_bytes)[1]

    def _run(  # noqa: PLR0913 - the parts of one command line, and who listens
        self,
        command: tuple[str, ...],
        *,
        archive: str | None,
        answer: Callable[[IO[bytes]], T],
        after: tuple[str, ...] = (),
        stdin: bytes = b"",
        heed: Heed | None = None,
        folder: Path | None = None,
        telling: Telling | None = None,
    ) -> tuple[Finished, T]:
        program = find_borg(self._settings.executable)
        child = (program,) if telling is None else (*changed_blocks.PROGRAM, os.fspath(telling.request))
        call = self._call(child, (*command, *_place(archive), *after))
        if program in _TESTED:
            call = replace(call, environment={**call.environment, "BORG_SELFTEST": "disabled"})
        _TESTED.add(program)
        call = replace(call, stdin=stdin, folder=None if folder is None else os.fspath(folder))
        return run(call, answer=answer, heed=_listener(heed, telling), stop=self._stop)

    def _call(self, program: tuple[str, ...], words: tuple[str, ...]) -> Call:
        settings = self._settings
        passphrase = None
        if settings.passphrase is not None and settings.passcommand is None:
            passphrase = self._secret(settings.passphrase)
        return Call(
            arguments=(*program, *common_arguments(settings), *words),
            environment=environment(settings, self.repository.path),
            repository=self.repository.path,
            passphrase=passphrase,
        )


def find_borg(executable: str) -> str:
    """Return the program to run: a bare ``borg`` is the one that is installed beside us, else the one on the path."""
    if executable == "borg" and borg_starter.BESIDE.exists():
        return os.fspath(borg_starter.BESIDE)
    return shutil.which(executable) or executable


def _place(archive: str | None) -> tuple[str, ...]:
    return () if archive is None else (f"::{literal(archive)}",)


def _inclusions(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"pp:{path}" for path in paths)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _bytes(stdout: IO[bytes]) -> bytes:
    return stdout.read()


def _listener(heed: Heed | None, telling: Telling | None = None) -> Callable[[Mapping[str, Any]], None]:
    def listen(message: Mapping[str, Any]) -> None:
        if telling is not None and message["type"] == changed_blocks.TOLD:
            telling.hear(changed_blocks.load_outcome(message))
        if heed is None or message.get("finished") is not False:
            return
        if message["type"] == "archive_progress":
            heed(message["original_size"], 0, message["path"] or None)
        elif message["type"] == "progress_percent" and message.get("msgid") == "extract":
            heed(message["current"], message["total"], (message["info"] or [None])[0])

    return listen


def _follow(item: StoredFile, items: Mapping[str, StoredFile]) -> StoredFile:
    """Return a hard link's item with the size and hash of the item that holds its content."""
    master = None if item.same_as is None else items.get(item.same_as)
    return item if master is None else replace(item, size=master.size, chunk_hash=master.chunk_hash)
