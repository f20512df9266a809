"""The regular expressions by which the module reads diskshadow and vssadmin, tried on texts in three languages.

They are taken from the module's file. They use only what .NET and Python have in common, so that they mean here what they mean
there; how the lines are put together is for Pester, which reads the same samples.
"""

import json
import re
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.powershell import source

SAMPLES = Path(__file__).parent / "samples"
FUNCTION = source.MODULE / "Private" / "Get-BorgClusterWriterPattern.ps1"
PATTERNS = source.read_data(FUNCTION)
LANGUAGES = ("english", "german", "japanese")
WIDE_COLON, WIDE_COMMA, WIDE_EQUALS, IDEOGRAPHIC_COMMA = "\uff1a", "\uff0c", "\uff1d", "\u3001"


@dataclass(frozen=True)
class Wording:
    """How a language puts it: any label, and its colon, comma and equals sign."""

    labels: tuple[str, ...]
    colon: str = ": "
    comma: str = ", "
    equals: str = " = "


WORDINGS = (
    Wording(labels=("File List", "Path", "Filespec", "State", "Writer Id", "Last error", "Writer Failure code")),
    Wording(labels=("Dateiliste", "Dateispezifikation", "Verfasserinstanz-ID", "Letzter Fehler", "Beschriftung")),
    Wording(
        labels=("ファイル一覧", "パス", "状態", "ライター ID", "最後のエラー"),
        colon=WIDE_COLON,
        comma=IDEOGRAPHIC_COMMA,
        equals=f" {WIDE_EQUALS} ",
    ),
    Wording(labels=("ファイル指定", "キャプション"), comma=WIDE_COMMA, equals=WIDE_EQUALS),
)

wordings = st.sampled_from(WORDINGS)
guids = st.uuids().flatmap(lambda one: st.sampled_from([str(one), str(one).upper()]))
_FORBIDDEN = '<>:"/\\|?*'
_MARKS = f"=,{WIDE_COLON}{WIDE_COMMA}{WIDE_EQUALS}{IDEOGRAPHIC_COMMA}"
_plain = st.characters(exclude_categories=["C", "Z"], exclude_characters=_FORBIDDEN + _MARKS)
_words = st.characters(exclude_categories=["C"], exclude_characters="*+{}()[]0123456789:\\" + WIDE_COLON)
names = st.text(_plain, min_size=1, max_size=20)
_folder = st.one_of(names, guids, st.sampled_from(["sql, 01 = x", f"a{WIDE_COMMA}b", "{0f7c1d4a-5b0e-4e0a-9b0c-3a7d4e2c1b11}"]))
_root = st.sampled_from(["C:\\ClusterStorage\\Volume1", "d:", "\\\\sofs\\share"])
paths = st.builds(lambda root, folders: "\\".join([root, *folders]), _root, st.lists(_folder, min_size=1, max_size=4))
indents = st.sampled_from(["\t\t\t", "   ", "\t"])


def find(name: str, text: str) -> re.Match[str] | None:
    """Match as PowerShell's -match does: anywhere, without regard to case."""
    return re.search(str(PATTERNS[name]), text, re.IGNORECASE)


def first(text: str, *names: str) -> str | None:
    """Return which of some patterns, tried in that order as the module does, a line matches."""
    return next((name for name in names if find(name, text)), None)


def in_component(text: str) -> str | None:
    return first(text, "Writer", "Component", "Type", "File")


def in_writer(text: str) -> str | None:
    return first(text, "Writer", "Component", "State", "Identifier", "FailureCode")


def test_they_are_constants_of_a_common_dialect() -> None:
    entries = source.find(source.parsed(FUNCTION), "hash_entry")
    assert len(entries) == len(PATTERNS)
    for entry in entries:
        assert source.find(entry, "verbatim_string_characters"), source.text(entry)
    for name, pattern in PATTERNS.items():
        assert isinstance(pattern, str), name
        assert pattern.isascii()
        re.compile(pattern)
        assert not re.search(r"\(\?(?![:=!]|<[=!])|\\[pPAZzGkQE]|[*+?}]\+", pattern), f"{name}: not the same in both"


@given(wordings, paths, names, indents, st.data())
def test_file_of_a_component_is_read(wording: Wording, path: str, name: str, indent: str, data: st.DataObject) -> None:
    label = st.sampled_from(wording.labels)
    line = (
        f"{indent}- {data.draw(label)}{wording.colon}{data.draw(label)}{wording.equals}{path}"
        f"{wording.comma}{data.draw(label)}{wording.equals}{name}"
    )
    assert in_component(line) == "File"
    found = find("File", line)
    assert found is not None
    assert found.groups() == (path, name)


@given(wordings, paths, indents)
def test_other_paths_of_a_component_are_no_files(wording: Wording, path: str, indent: str) -> None:
    assert in_component(f"{indent}- {path}") is None
    assert in_component(f"{indent}- \\\\?\\Volume{{{uuid.UUID(int=7)}}}\\ [{path}\\]") is None
    assert in_component(f"{indent}- {wording.labels[0]}{wording.colon}TRUE") is None


@given(wordings, guids, names)
def test_component_of_a_machine_is_told_by_its_id(wording: Wording, vm_id: str, writer: str) -> None:
    for left, right in (('"', '"'), ("\u300c", "\u300d")):
        line = f"\t\t+ {wording.labels[0]} {left}{writer}:\\{vm_id}{right}"
        assert in_writer(line) == in_component(line) == "Component"
        found = find("Machine", line)
        assert found is not None
        assert found[1] == vm_id
        assert find("Machine", f"\t\t+ {wording.labels[0]} {left}{writer}:\\Host Component{right}") is None


@given(wordings, guids, st.integers(0, 99), st.integers(0, 2**32 - 1), indents)
def test_state_of_a_writer_is_read(wording: Wording, writer_id: str, state: int, code: int, indent: str) -> None:
    label, colon = wording.labels[-1], wording.colon
    lines = {
        "Identifier": (f"{indent}- {label}{colon}{{{writer_id}}}", writer_id),
        "State": (f"{indent}- {label}{colon}{state} (VSS_WS_FAILED_AT_PREPARE_SNAPSHOT)", str(state)),
        "FailureCode": (f"{indent}- {label}{colon}0x{code:08x} (VSS_E_WRITERERROR_RETRYABLE)", f"{code:08x}"),
    }
    for name, (line, value) in lines.items():
        assert in_writer(line) == name
        found = find(name, line)
        assert found is not None
        assert found[1] == value
    assert in_writer(f'\t* {label} "{writer_id}"') == "Writer"
    assert in_writer(f"{indent}- \\\\?\\Volume{{{writer_id}}}\\") is None


@given(wordings, guids, st.integers(0, 99), names)
def test_vssadmin_tells_the_same_in_another_form(wording: Wording, writer_id: str, state: int, name: str) -> None:
    label, colon = wording.labels[-1], wording.colon
    assert first(f"{label}{colon}'{name}'", "Heading", "Identifier", "DisplayState") == "Heading"
    identifier = f"   {label}{colon}{{{writer_id}}}"
    assert first(identifier, "Heading", "DisplayState", "Identifier") == "Identifier"
    line = f"   {label}{colon}[{state}] {name}"
    assert first(line, "Heading", "Identifier", "DisplayState") == "DisplayState"
    found = find("DisplayState", line)
    assert found is not None
    assert int(found[1]) == state
    assert first(f"   {label}{colon}error {name}", "Heading", "DisplayState") is None


@given(wordings, names, indents)
def test_caption_is_kept_as_it_is(wording: Wording, name: str, indent: str) -> None:
    caption = f"Online\\{name}"
    found = find("Caption", f"{indent}- {wording.labels[0]}{wording.colon}{caption}")
    assert found is not None
    assert found[1] == caption


@given(st.text(_words, max_size=80))
def test_words_mean_nothing(text: str) -> None:
    assert in_writer(f"  {text}") is None
    assert find("File", text) is None
    assert find("DisplayState", text) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_samples_hold_what_they_are_expected_to(language: str) -> None:
    expected = json.loads((SAMPLES / f"writers-{language}.json").read_text(encoding="utf-8"))
    lines = (SAMPLES / f"writers-{language}.txt").read_text(encoding="utf-8").splitlines()
    files = {found.groups() for line in lines if (found := find("File", line))}
    for component in expected["components"]:
        assert {(one["path"], one["filespec"]) for one in component["files"]} <= files
        assert any(find("Machine", line) and component["vm_id"] in line.lower() for line in lines)
    states = [int(found[1]) for line in lines if (found := find("State", line))]
    assert states == [writer["state"] for writer in expected["writers"]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_samples_of_vssadmin_hold_what_they_are_expected_to(language: str) -> None:
    expected = json.loads((SAMPLES / f"vssadmin-{language}.json").read_text(encoding="utf-8"))
    text = (SAMPLES / f"vssadmin-{language}.txt").read_text(encoding="utf-8")
    states = [int(found[1]) for line in text.splitlines() if (found := find("DisplayState", line))]
    assert states == [writer["state"] for writer in expected]
    assert all(writer["writer_id"] in text.lower() for writer in expected)
