"""Where the files of a restore are written, by what plugins say; when they fail, where it is mounted.

Nothing here touches a virtual machine: what is written is proven where it is mounted, whoever wrote it, before that begins.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from borg_cluster.plugins.patience import within

_OURS = 2
"""How many last parts of the folder are made by us: what lies below them may be deleted."""


class Target:
    """The context of a folder to write to. ``targets`` yields plugins with the context, or the error, that each answered with.

    ``plugin`` is who opened it (None: it is where it's mounted). ``warn`` is told what went wrong.
    """

    def __init__(
        self,
        folder: Path,
        targets: Callable[[], Iterable[tuple[str, object]]],
        *,
        patience: float,
        warn: Callable[[str], object],
    ) -> None:
        self.plugin: str | None = None
        self._folder = folder
        self._targets = targets
        self._patience = patience
        self._warn = warn
        self._opened: AbstractContextManager[object] | None = None

    def __enter__(self) -> Path:
        """Return the folder under the first path that can be had, or as it is."""
        for label, target in self._targets():
            try:
                return self._open(label, target)
            except Exception as error:  # noqa: BLE001 - other people's code may raise anything
                self._warn(f"plugin {label} could not open {self._folder} to write there: {_one_line(error)}")
        return self._folder

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Close what was opened; what fails then is a warning. Errors go on, whatever it says."""
        opened = self._opened
        if opened is None:
            return
        try:
            within(self._patience, lambda: opened.__exit__(kind, error, traceback))
        except Exception as wrong:  # noqa: BLE001 - as above
            if wrong is not error:
                self._warn(f"plugin {self.plugin} could not close {self._folder}: {_one_line(wrong)}")

    def _open(self, label: str, target: object) -> Path:
        if isinstance(target, Exception):
            raise target
        if not isinstance(target, AbstractContextManager):
            raise TypeError(f"it answered with {type(target).__name__} where a context is expected")
        found = within(self._patience, target.__enter__, late=lambda _: target.__exit__(None, None, None))
        if not isinstance(found, Path) or not found.is_absolute() or found.parts[-_OURS:] != self._folder.parts[-_OURS:]:
            within(self._patience, lambda: target.__exit__(None, None, None))
            raise TypeError(f"it yielded {str(found)[:100]!r}, which does not end as the folder does")
        self.plugin, self._opened = label, target
        return found


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
