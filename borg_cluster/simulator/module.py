"""The PowerShell module as a full session comes to know it: file by file, each recognised by its hash, no other text taken."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from borg_cluster.simulator.commands import find_command
from borg_cluster.simulator.error_record import text_not_ours
from borg_cluster.simulator.failure import command_not_found

_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """The files of the module."""

    functions: Mapping[str, str]
    """Name of the function that a file defines, by the file's SHA-256."""
    private: frozenset[str]
    """Functions that the commands call."""


def read_module(folder: Path) -> Module:
    """Read the module in ``folder``: a function a file, named after it, in Private and Public."""
    files = [*sorted(folder.rglob("Private/*.ps1")), *sorted(folder.rglob("Public/*.ps1"))]
    if not files:
        raise ValueError(f"no module in {folder}")
    texts = {file: file.read_text(encoding="utf-8-sig") for file in files}
    return Module(
        functions={_hash(text): file.stem for file, text in texts.items()},
        private=frozenset(file.stem for file in files if file.parent.name == "Private"),
    )


class FullRunspace:
    """A runspace with the full language: it knows no command of ours until the file that defines it was run there."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._defined: set[str] = set()

    def run(self, text: str) -> None:
        """Define what a file of the module defines; raises CommandError for any other text, which is not run."""
        function = self._module.functions.get(_hash(text.removeprefix(_BYTE_ORDER_MARK)))
        if function is None:
            raise text_not_ours(text)
        self._defined.add(function)

    def check(self, command: str) -> None:
        """Raise CommandError if the command, or a function of those that commands call, is not defined."""
        name = find_command(command).name
        for needed in (name, *sorted(self._module.private)):
            if needed not in self._defined:
                raise command_not_found(needed)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
