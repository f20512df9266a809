"""How Borg is told what to leave out: literal pattern lines, and which of them decides about a path. Pure.

Borg matches a pattern against the full source path without its leading slash, never against the path inside the archive. Of all
kinds only ``pf:`` costs the same for ten lines and for thirty thousand, and it is looked up before any other kind, whatever the
order. ``!`` keeps Borg out of a folder altogether; ``-`` would leave out the folder's own entry and keep what is in it. The
``/.`` at the end is dropped by Borg when it normalizes the path; until then it protects white space at the end of a name.
"""

import glob
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from borg_cluster.core.archive import FOLDER
from borg_cluster.core.planned import PlannedArchive


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where Borg walks a volume: ``folders`` maps a name inside archives to the folder, ``roots`` are the recursion roots.

    A root holds ``/./``: what stands before it is no part of the path inside the archive.
    """

    folders: Mapping[str, str]
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What becomes of ``path``: the line that decides (None: none does), and why in words."""

    path: str
    included: bool
    line: str | None
    reason: str


def plain_view(planned: PlannedArchive) -> View:
    """Return the view of the mounts as they are here.

    Borg walks a folder where it is if it is called as the mount is; others it walks through a view of the right name, whose lines
    are these with another folder before them.
    """
    folders = {name: folder.rstrip("/") for folder, name in planned.roots}
    return View(folders=folders, roots=tuple(_plain_root(folder, name) for name, folder in folders.items()))


def _plain_root(folder: str, name: str) -> str:
    above, here = posixpath.split(folder)
    return f"{above.rstrip('/')}/./{here}" if here == name else folder


def volume_patterns(planned: PlannedArchive, view: View | None = None) -> tuple[str, ...]:
    """Return the lines of a volume archive's pattern file: its roots, then what is left out; in a stable order.

    A root whose name can't stand in a pattern file is not among them: see ``odd_roots``. Each volume's ``.borg-cluster`` (claims,
    files of restores) is left out.
    """
    view = plain_view(planned) if view is None else view
    roots = [f"R {root}/." for root in view.roots if not _is_odd(root)]
    ours = [exclusion(f"{folder}/{FOLDER}") for folder in view.folders.values()]
    others = []
    for file in planned.left_out:
        name = next(name for name in view.folders if file.archive_path.startswith(f"{name}/"))
        others.append(exclusion(f"{view.folders[name]}/{file.archive_path.removeprefix(f'{name}/')}"))
    return (*roots, *ours, *sorted(set(others)))


def odd_roots(view: View) -> tuple[str, ...]:
    """Return the roots that can't stand in a pattern file (CR, LF, bytes that aren't UTF-8) and go on the command line."""
    return tuple(root for root in view.roots if _is_odd(root))


def file_roots(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines that let Borg read exactly these files. Raises ValueError, naming the first that can't stand in one."""
    for path in paths:
        if _is_odd(path) or path != path.rstrip():
            raise ValueError(path)
    return tuple(dict.fromkeys(f"R {path}" for path in paths))


def for_borgmatic(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return lines of a pattern file as borgmatic takes them: it globs roots, and wants each to be there as it is written."""
    return tuple(f"R {glob.escape(line[2:].removesuffix('/.'))}" if line.startswith("R ") else line for line in lines)


def exclusion(path: str) -> str:
    """Return the line that leaves out exactly ``path``, a file or a folder with all that is in it."""
    if _is_odd(path):
        literal = "".join(_escaped(character) for character in posixpath.normpath(path).lstrip("/"))
        return rf"! re:\A{literal}\Z"
    return f"! pf:{path}/."


def _is_odd(path: str) -> bool:
    return any(character in "\r\n" or "\ud800" <= character <= "\udfff" for character in path)


def _escaped(character: str) -> str:
    if character in "/_" or (character.isascii() and character.isalnum()):
        return character
    number = ord(character)
    return f"\\U{number:08x}" if number > 0xFFFF else f"\\u{number:04x}"  # noqa: PLR2004 - the range of \u


def explain(lines: tuple[str, ...], path: str) -> Explanation:
    """Return what Borg makes of ``path`` (absolute, here) with these lines, as ``volume_patterns`` writes them.

    Borg looks at each folder on the way down from the root, so that a line for a folder decides about all that is in it. Raises
    ValueError for a line of another kind.
    """
    wanted = _normal(path)
    root = next((line for line in lines if line.startswith("R ") and _covers(_normal(line[2:]), wanted)), None)
    if root is None:
        return Explanation(path=path, included=False, line=None, reason="it lies below no root of this archive")
    rules = tuple(_rule(line) for line in lines if not line.startswith("R "))
    for place in _way_down(_normal(root[2:]), wanted):
        for rule in rules:
            if rule.holds(place):
                where = "it is" if place == wanted else f"it lies in /{place}, which is"
                return Explanation(path=path, included=False, line=rule.line, reason=f"{where} left out by this line")
    return Explanation(path=path, included=True, line=root, reason="it lies below this root and no line leaves it out")


@dataclass(frozen=True, slots=True)
class _Rule:
    line: str
    literal: str | None
    expression: re.Pattern[str] | None

    def holds(self, place: str) -> bool:
        return place == self.literal if self.expression is None else self.expression.search(place) is not None


def _rule(line: str) -> _Rule:
    if line.startswith("! pf:"):
        return _Rule(line, _normal(line[5:]), None)
    if line.startswith("! re:"):
        return _Rule(line, None, re.compile(line[5:]))
    raise ValueError(f"not a line of a volume's pattern file: {line}")


def _normal(path: str) -> str:
    return posixpath.normpath(path).lstrip("/")


def _covers(root: str, path: str) -> bool:
    return root in ("", path) or path.startswith(f"{root}/")


def _way_down(root: str, path: str) -> Iterator[str]:
    """Yield ``root``, each folder between, and ``path``."""
    place = root
    yield place
    for part in path[len(root) :].split("/"):
        if part:
            place = f"{place}/{part}" if place else part
            yield place
