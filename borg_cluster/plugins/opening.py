"""Where an archive is read, by what plugins say; when they fail, where it is mounted.

The plan names real places: what a plugin opens instead is better or fresher, never the only truth. So one that breaks costs its
own improvement. What can't be read there either fails the archive as ever, and an empty folder is never taken for a volume.
"""

import logging
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import cast

from borg_cluster.core.archive import ArchiveKind
from borg_cluster.core.planned import PlannedArchive
from borg_cluster.errors import BorgClusterError
from borg_cluster.plugins.patience import within

_log = logging.getLogger(__name__)


class Opening:
    """The context of one archive's source. ``sources`` yields plugins with the context, or the error, that each answered with."""

    def __init__(self, archive: PlannedArchive, sources: Callable[[], Iterable[tuple[str, object]]], *, patience: float) -> None:
        self._archive = archive
        self._sources = sources
        self._patience = patience
        self._opened: tuple[str, AbstractContextManager[object]] | None = None

    def __enter__(self) -> PlannedArchive:
        """Return the archive as the first plugin that can opens it, or as it is. Raises BorgClusterError for an empty volume."""
        problems: list[str] = []
        for label, source in self._sources():
            try:
                opened = self._open(source)
            except Exception as error:  # noqa: BLE001 - other people's code may raise anything
                text = " ".join(str(error).split())
                problems.append(f"plugin {label} could not open it ({type(error).__name__}{f': {text}' if text else ''})")
                continue
            self._opened = (label, cast("AbstractContextManager[object]", source))
            return replace(opened, warnings=(*opened.warnings, *problems))
        if problems:
            return self._as_it_is(problems)
        return self._archive

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Close what was opened; what fails then is a warning, since all was read before. Errors go on, whatever it says."""
        if self._opened is None:
            return
        label, source = self._opened
        try:
            within(self._patience, lambda: source.__exit__(kind, error, traceback))
        except Exception as wrong:  # noqa: BLE001 - as above
            if wrong is not error:
                _log.warning("plugin %s could not close the source of %s: %s", label, self._archive.name, wrong)

    def _open(self, source: object) -> PlannedArchive:
        if isinstance(source, Exception):
            raise source
        if not isinstance(source, AbstractContextManager):
            raise TypeError(f"it answered with {type(source).__name__} where a context is expected")
        opened = within(self._patience, source.__enter__, late=lambda _: source.__exit__(None, None, None))
        wrong = _not_the_same(opened, self._archive)
        if wrong is not None:
            within(self._patience, lambda: source.__exit__(None, None, None))
            raise TypeError(wrong)
        return cast("PlannedArchive", opened)

    def _as_it_is(self, problems: list[str]) -> PlannedArchive:
        told = "; ".join(problems)
        if self._archive.kind is ArchiveKind.VOLUME:
            for folder, _ in self._archive.roots:
                if not os.path.isdir(folder) or not os.listdir(folder):  # noqa: PTH112, PTH208 - names that aren't UTF-8 as well
                    raise BorgClusterError(f"{told}, and nothing is mounted at {folder}")
        return replace(self._archive, warnings=(*self._archive.warnings, f"read where it is mounted: {told}"))


def _not_the_same(opened: object, planned: PlannedArchive) -> str | None:
    """Return why what a plugin yielded does not stand for the planned archive, or None."""
    if not isinstance(opened, PlannedArchive):
        return f"it yielded {type(opened).__name__} where the archive is expected"
    for name in ("kind", "job", "repository", "subject", "archive"):
        if getattr(opened, name) != getattr(planned, name):
            return f"it yielded an archive with another {name}"
    if [file.file.archive_path for file in opened.files] != [file.file.archive_path for file in planned.files]:
        return "it yielded an archive with other files"
    if [name for _, name in opened.roots] != [name for _, name in planned.roots]:
        return "it yielded an archive with other roots"
    return None
