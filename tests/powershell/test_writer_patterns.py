"""The regular expressions by which the module reads diskshadow and vssadmin, tried on texts in three languages.

They are taken from the module's file. They use only what .NET and Python have in common, so that they mean here what they mean
there. How the lines are put together is tested in test_writer_texts.py.
"""

import re
import uuid

from hypothesis import given
from hypothesis import strategies as st

from tests.powershell import source
from tests.powershell.writer_texts import Wording, guids, indents, names, paths, wordings, words

FUNCTION = source.MODULE / "Private" / "Get-BorgClusterWriterPattern.ps1"
PATTERNS = source.read_data(FUNCTION)


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


@given(words)
def test_words_mean_nothing(text: str) -> None:
    assert in_writer(f"  {text}") is None
    assert find("File", text) is None
    assert find("DisplayState", text) is None
