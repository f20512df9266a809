"""Texts as diskshadow and vssadmin write them, with what a reader must find in them: known from how they were made, not read.

Whatever of a text was cut off, ``expected`` still tells what the lines that are left say. Names, captions and paths are hostile:
they look like fields. What no reader can tell apart is left out: a file's name with both a comma and an equals sign in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

HYPER_V = "66841cd4-6ded-4f4b-8f17-fd23f8ddc3de"
WIDE_COLON, WIDE_COMMA, WIDE_EQUALS, IDEOGRAPHIC_COMMA = "\uff1a", "\uff0c", "\uff1d", "\u3001"


@dataclass(frozen=True)
class Wording:
    """How a language puts it: any label, and its colon, comma, equals sign and quotation marks."""

    labels: tuple[str, ...]
    colon: str = ": "
    comma: str = ", "
    equals: str = " = "
    quotes: str = '""'


WORDINGS = (
    Wording(labels=("File List", "Path", "Filespec", "State", "Writer Id", "Last error", "Writer Failure code")),
    Wording(labels=("Dateiliste", "Dateispezifikation", "Verfasserinstanz-ID", "Letzter Fehler", "Beschriftung")),
    Wording(
        labels=("ファイル一覧", "パス", "状態", "ライター ID", "最後のエラー"),
        colon=WIDE_COLON,
        comma=IDEOGRAPHIC_COMMA,
        equals=f" {WIDE_EQUALS} ",
        quotes="「」",
    ),
    Wording(labels=("ファイル指定", "キャプション"), comma=WIDE_COMMA, equals=WIDE_EQUALS),
)

FIELDS = (
    "VSS_CT_FILEGROUP [2]",
    "5 (VSS_WS_FAILED_AT_FREEZE)",
    "* WRITER",
    "+ Component",
    f"{{{HYPER_V}}}",
    "0x800423f4 (VSS_E_WRITERERROR_NONRETRYABLE)",
    "99999999999999999999 (VSS_WS_STABLE)",
    "[7] Failed",
    "-> exit",
)
"""What would mean something elsewhere in the text."""
FILES = ("File List: Path = C:\\evil, Filespec = evil.vhdx", f"VSS_CT_X{WIDE_COLON}\\\\evil\\share, x = y.vhdx")

_FORBIDDEN = '<>:"/\\|?*'
_MARKS = f"=,{WIDE_COLON}{WIDE_COMMA}{WIDE_EQUALS}{IDEOGRAPHIC_COMMA}"
_plain = st.characters(exclude_categories=["C", "Z"], exclude_characters=_FORBIDDEN + _MARKS)
_words = st.characters(exclude_categories=["C"], exclude_characters="*+{}()[]0123456789:\\" + WIDE_COLON)

wordings = st.sampled_from(WORDINGS)
guids = st.uuids().flatmap(lambda one: st.sampled_from([str(one), str(one).upper()]))
names = st.text(_plain, min_size=1, max_size=20)
captions = st.one_of(names, st.sampled_from(FIELDS + FILES), st.builds("Online\\{}".format, st.sampled_from(FIELDS + FILES)))
_ODD_FOLDERS = ("sql, 01 = x", f"a{WIDE_COMMA}b", *(one for one in FIELDS if not set(one) & set(_FORBIDDEN)))
_root = st.sampled_from(["C:\\ClusterStorage\\Volume1", "d:", "\\\\sofs\\share"])
paths = st.builds(
    lambda root, folders: "\\".join([root, *folders]),
    _root,
    st.lists(st.one_of(names, guids, st.sampled_from(_ODD_FOLDERS)), min_size=1, max_size=4),
)
filespecs = st.one_of(
    names, st.sampled_from(["data, 2.avhdx", "x=1.vhdx", "*", *(one for one in _ODD_FOLDERS if "=" not in one)])
)
indents = st.sampled_from(["\t\t\t", "   ", "\t"])
words = st.text(_words, max_size=80)
states = st.integers(0, 99)
codes = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Line:
    """A line, and what it tells: the fact's name, which begins with that of the block that it belongs to ('vm2.type')."""

    text: str
    fact: str = ""

    @property
    def block(self) -> str:
        """The block that it belongs to."""
        return self.fact.partition(".")[0]


@dataclass(frozen=True)
class Machine:
    """A virtual machine's component."""

    vm_id: str
    caption: str
    files: tuple[tuple[str, str], ...]

    def told(self, name: str, facts: set[str]) -> dict[str, object]:
        """Return what is known of it from these facts."""
        files = [
            {"path": path, "filespec": filespec} for at, (path, filespec) in enumerate(self.files) if f"{name}.file{at}" in facts
        ]
        caption = self.caption if f"{name}.type" in facts else ""
        return {"vm_id": self.vm_id.lower(), "caption": caption, "files": files}


@dataclass(frozen=True)
class Status:
    """A writer and how it is. ``code`` is None where the tool tells none."""

    writer_id: str
    state: int
    code: int | None

    def told(self, name: str, facts: set[str]) -> dict[str, object]:
        """Return what is known of it from these facts."""
        code = None if self.code is None or f"{name}.code" not in facts else f"0x{self.code:08X}"
        return {"writer_id": self.writer_id.lower(), "state": self.state, "failure_code": code}


@dataclass(frozen=True)
class Text:
    """A tool's output."""

    lines: tuple[Line, ...]
    machines: tuple[Machine, ...]
    statuses: tuple[Status, ...]

    def components(self, length: int | None = None) -> list[tuple[str, dict[str, object]]]:
        """Return block -> what the first ``length`` lines tell of the machines."""
        facts = {line.fact for line in self.lines[:length]}
        named = [(f"vm{at}", machine) for at, machine in enumerate(self.machines)]
        return [(name, machine.told(name, facts)) for name, machine in named if f"{name}.heading" in facts]

    def writers(self, length: int | None = None) -> list[tuple[str, dict[str, object]]]:
        """Return block -> what the first ``length`` lines tell of the writers."""
        facts = {line.fact for line in self.lines[:length]}
        named = [(f"writer{at}", status) for at, status in enumerate(self.statuses)]
        return [(name, status.told(name, facts)) for name, status in named if {f"{name}.id", f"{name}.state"} <= facts]

    def rendered(self, ending: str = "") -> list[str]:
        """Return the lines as a program hands them over."""
        return [line.text + ending for line in self.lines]


machines = st.builds(Machine, guids, captions, st.lists(st.tuples(paths, filespecs), max_size=3).map(tuple))
_junk = st.lists(st.one_of(st.just(""), words).map(Line), max_size=1)


@st.composite
def component_lines(draw: st.DrawFn, wording: Wording, machine: Machine, name: str) -> list[Line]:
    """A machine's component."""
    label, left, right = st.sampled_from(wording.labels), wording.quotes[0], wording.quotes[1]
    colon = wording.colon
    heading = f"\t\t+ {draw(label)} {left}Microsoft Hyper-V VSS Writer:\\{machine.vm_id}{right}"
    lines = [
        Line(heading, f"{name}.heading"),
        *draw(_junk),
        Line(f"\t\t\t- {draw(label)}{colon}{machine.vm_id}"),
        Line(f"\t\t\t- {draw(label)}{colon}{machine.caption}"),
        Line(f"\t\t\t- {draw(label)}{colon}VSS_CT_FILEGROUP [2]", f"{name}.type"),
        *draw(_junk),
    ]
    for at, (path, filespec) in enumerate(machine.files):
        place = f"{draw(label)}{wording.equals}{path}{wording.comma}{draw(label)}{wording.equals}{filespec}"
        lines += [Line(f"\t\t\t\t- {draw(label)}{colon}{place}", f"{name}.file{at}"), *draw(_junk)]
    return lines + [Line(f"\t\t\t\t- {path}") for path, _ in machine.files]


@st.composite
def other_component(draw: st.DrawFn, wording: Wording) -> list[Line]:
    """A component that is no machine: a database, say. Whoever names it may mean mischief."""
    label = draw(st.sampled_from(wording.labels))
    return [
        Line(f"\t\t+ {label} {wording.quotes[0]}{draw(names)}:\\{draw(names)}{wording.quotes[1]}"),
        Line(f"\t\t\t- {label}{wording.colon}{draw(captions)}"),
        Line(f"\t\t\t- {label}{wording.colon}VSS_CT_DATABASE [1]"),
        Line(f"\t\t\t\t- {label}{wording.colon}{label}{wording.equals}{draw(paths)}{wording.comma}{label}{wording.equals}*"),
    ]


@st.composite
def status_lines(draw: st.DrawFn, wording: Wording, status: Status, name: str) -> list[Line]:
    """A writer's block of 'list writers status'; which of it comes first differs by version."""
    label, colon = draw(st.sampled_from(wording.labels)), wording.colon
    told = [
        Line(f"\t\t- {label}{colon}{status.state} (VSS_WS_SOME_STATE)", f"{name}.state"),
        Line(f"\t\t- {label}{colon}0x{status.code:08x} (S_OK)", f"{name}.code"),
    ]
    ids = [Line(f"\t\t- {label}{colon}{{{status.writer_id}}}", f"{name}.id"), Line(f"\t\t- {label}{colon}{{{draw(guids)}}}")]
    heading = Line(f'\t* {label} "{draw(captions)}"', f"{name}.heading")
    return [heading, *(told + ids if draw(st.booleans()) else ids + told), *draw(_junk)]


@st.composite
def diskshadow_texts(draw: st.DrawFn) -> Text:
    """What 'list writers detailed' and 'list writers status' say."""
    wording = draw(wordings)
    found = tuple(draw(st.lists(machines, max_size=3)))
    statuses = tuple(draw(st.lists(st.builds(Status, guids, states, codes), max_size=3)))
    lines = [
        Line("-> list writers detailed"),
        *draw(_junk),
        Line('\t* WRITER "SQL"'),
        Line(f"\t\t- x{wording.colon}{{{draw(guids)}}}"),
    ]
    lines += draw(other_component(wording))
    lines += [Line('\t* WRITER "Microsoft Hyper-V VSS Writer"'), Line(f"\t\t- x{wording.colon}{{{HYPER_V.upper()}}}")]
    for at, machine in enumerate(found):
        lines += draw(component_lines(wording, machine, f"vm{at}"))
        if draw(st.booleans()):
            lines += draw(other_component(wording))
    lines += [Line(""), Line("-> list writers status"), *draw(_junk)]
    for at, status in enumerate(statuses):
        lines += draw(status_lines(wording, status, f"writer{at}"))
    return Text(lines=(*lines, Line("-> exit")), machines=found, statuses=statuses)


@st.composite
def vssadmin_texts(draw: st.DrawFn) -> Text:
    """What 'vssadmin list writers' says."""
    wording = draw(wordings)
    label, colon = st.sampled_from(wording.labels), wording.colon
    statuses = tuple(draw(st.lists(st.builds(Status, guids, states, st.none()), max_size=3)))
    lines = [Line("vssadmin 1.1"), Line("")]
    for at, status in enumerate(statuses):
        lines += [
            Line(f"{draw(label)}{colon}'{draw(captions)}'", f"writer{at}.heading"),
            Line(f"   {draw(label)}{colon}{{{status.writer_id}}}", f"writer{at}.id"),
            Line(f"   {draw(label)}{colon}{{{draw(guids)}}}"),
            Line(f"   {draw(label)}{colon}[{status.state}] {draw(names)}", f"writer{at}.state"),
            Line(f"   {draw(label)}{colon}{draw(names)}"),
            *(Line(f"   {line.text}") for line in draw(_junk)),
        ]
    return Text(lines=tuple(lines), machines=(), statuses=statuses)


def values(told: Sequence[tuple[str, dict[str, object]]], *, without: str = "") -> list[dict[str, object]]:
    """Return what is told, but for one block."""
    return [value for name, value in told if name != without]
