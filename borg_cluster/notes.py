"""What an archive says about itself, in one folder of it: for programs, and for a person who has nothing but Borg."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from borg_cluster.catalog import inventory_to_json, manifest_to_json
from borg_cluster.config.written import kept_in
from borg_cluster.core.archive import (
    CONFIGURATION_NOTE,
    FOLDER,
    INVENTORY_NOTE,
    MANIFEST_NOTE,
    PATTERNS_NOTE,
    RUNBOOK_NOTE,
    Manifest,
)
from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import Inventory
from borg_cluster.core.policy import Policy
from borg_cluster.core.quoting import without_passwords
from borg_cluster.core.runbook import runbook
from borg_cluster.source import Source

NOTES = frozenset({MANIFEST_NOTE, INVENTORY_NOTE, CONFIGURATION_NOTE, PATTERNS_NOTE, RUNBOOK_NOTE})
"""All that can lie in the folder; an archive of an older version has fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """The notes of one archive as they lie on disk: ``base`` is no part of their paths inside the archive, ``names`` are."""

    base: str
    names: frozenset[str]

    @property
    def paths(self) -> tuple[str, ...]:
        """The files as Borg is given them."""
        return tuple(f"{self.base}/./{name}" for name in sorted(self.names))

    @property
    def root(self) -> str:
        """The folder as a recursion root."""
        return f"{self.base}/./{FOLDER}"


@contextmanager
def written(room: Path, texts: Mapping[str, str]) -> Iterator[Notes]:
    """Yield the notes, written below ``room`` as they go into an archive; they are gone after the ``with``."""
    with tempfile.TemporaryDirectory(prefix="notes-", dir=room) as folder:
        write(Path(folder), texts)
        yield Notes(base=os.path.abspath(folder), names=frozenset(texts))  # noqa: PTH100 - as borg is to be told


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write notes below a folder, by their paths there."""
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def texts(policy: Policy, manifest: Manifest, inventory: Inventory, source: Source, *, repository: str) -> dict[str, str]:
    """Return what each note of an archive says, by its path there; ``repository`` as Borg takes it.

    A policy that came from no file has none to keep.
    """
    made = {
        MANIFEST_NOTE: manifest_to_json(manifest),
        INVENTORY_NOTE: inventory_to_json(inventory),
        PATTERNS_NOTE: _patterns(source),
        RUNBOOK_NOTE: runbook(manifest, repository=without_passwords(repository), archive=source.archive.archive),
    }
    label = next((one.label for one in policy.repositories if one.path == repository), None)
    return made | ({CONFIGURATION_NOTE: kept_in(policy.written, label)} if policy.written else {})


def _patterns(source: Source) -> str:
    """Return what Borg was told to read; what can't be printed of a name as its escape: this is to be read by people."""
    if source.patterns is None:
        head = "# The files that Borg was given, one a line. What stands before /./ is no part of the path in the archive."
        lines = source.paths
    else:
        head = "# The pattern file that Borg was given (borg help patterns)."
        lines = (*(f"R {path}" for path in source.paths), *source.patterns)
    return "".join(f"{one_line(line)}\n" for line in (head, *lines))
