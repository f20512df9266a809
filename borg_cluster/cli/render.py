"""Values to words for people, and to JSON for programs. Data is only ever shown as `Text`, never as markup.

A VM's name may hold anything that Windows lets in: brackets that rich would read as markup, control characters that a terminal
would obey, marks that turn the direction of writing. ``clean`` makes each of them visible instead.
"""

import dataclasses
import json
import sys
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from borg_cluster import __version__

JSON_SCHEMA = 1
"""The number in every --json document; it grows when a field is removed or changes its meaning, never when one is added."""

_KIBI = 1024
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_MINUTE = 60
_HOUR = 3600
_DAY = 24 * _HOUR
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_SHORT_ID = 8


def clean(text: str) -> str:
    r"""Return ``text`` with every character that a terminal would obey or hide written as an escape (``\n``, ``\x1b``)."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    if unicodedata.category(character) in _HIDDEN_CATEGORIES:
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character


def words(text: object, style: str = "") -> Text:
    """Return data as rich may print it: no markup, no control characters, folded rather than cut."""
    return Text(clean(str(text)), style=style, overflow="fold")


def sentence(*parts: object, style: str = "") -> Text:
    """Return the parts as one line: texts as they are (with their own style), anything else as ``words``."""
    line = Text(style=style, overflow="fold")
    for part in parts:
        line.append_text(part if isinstance(part, Text) else words(part))
    return line


def short_id(identifier: str) -> str:
    """Return the first eight characters of an id: enough to tell two VMs of one name apart."""
    return identifier[:_SHORT_ID]


def how_read(unread: int, reasons: tuple[str, ...]) -> tuple[str, ...]:
    """Return lines about an archive's disks: what was taken over ``unread`` (bytes), and why others were read in full."""
    taken = (f"{size(unread)} of it unchanged, and not read",) if unread else ()
    return (*taken, *(f"read in full: {reason}" for reason in reasons))


def size(count: int | None) -> str:
    """Return a number of bytes for people: ``1.4 GiB``; '?' if it isn't known."""
    if count is None:
        return "?"
    if count < _KIBI:
        return f"{count} B"
    exponent = min((count.bit_length() - 1) // 10, len(_UNITS) - 1)
    return f"{count / _KIBI**exponent:.1f} {_UNITS[exponent]}"


def duration(seconds: float) -> str:
    """Return a duration for people: ``0.4 s``, ``3 min 12 s``, ``26 h 5 min``, ``8 d 0 h``."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE)} s"
    if seconds < 2 * _DAY:
        return f"{int(seconds // _HOUR)} h {int(seconds % _HOUR // _MINUTE)} min"
    return f"{int(seconds // _DAY)} d {int(seconds % _DAY // _HOUR)} h"


def moment(text: str | None) -> str:
    """Return ISO time as ``2026-03-01 21:00:07Z`` (UTC), anything else as it is."""
    if text is None:
        return "?"
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%SZ}"
    except ValueError:
        return text


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 node``, ``3 nodes``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def table(*columns: str, title: str | None = None, right: Iterable[str] = ()) -> Table:
    """Return an empty table that fits 80 columns: a rule below the head, no frame, cells folded; ``right``: number columns."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold", title=title)
    numbers = set(right)
    for column in columns:
        if column in numbers:
            made.add_column(column, justify="right", no_wrap=True)
        else:
            made.add_column(column, overflow="fold")
    return made


def _plain(value: object) -> object:
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def fields_of(value: object) -> dict[str, object]:
    """Return the fields of a dataclass as JSON values' dictionary."""
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        message = f"not a dataclass: {type(value).__name__}"
        raise TypeError(message)
    return dataclasses.asdict(value)


def json_text(value: object, *, indent: int | None = 2) -> str:
    """Return JSON in ASCII: whatever the terminal's encoding, whatever a name holds."""
    return json.dumps(value, default=_plain, indent=indent)


def json_document(kind: str, fields: dict[str, object]) -> str:
    """Return the document that ``--json`` prints: ``schema`` (its number), ``kind``, ``borg_cluster`` (the version), fields."""
    return json_text({"schema": JSON_SCHEMA, "kind": kind, "borg_cluster": __version__, **fields})


class ReaderGone(BaseException):
    """Nobody reads our output any more (``| head``); not an error, but the end."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Say it by its name, where rich would make it a plain exit."""
        raise ReaderGone


def new_console(*, color: bool = True, stderr: bool = False) -> Console:
    """Return the terminal, with everything off by which rich would read meaning into data."""
    system: Literal["auto"] | None = "auto" if color else None
    return _Console(stderr=stderr, color_system=system, markup=False, emoji=False, highlight=False)


def write_line(text: str) -> None:
    """Write a line to stdout as it is; what its encoding lacks is escaped."""
    sys.stdout.write(text + "\n")
