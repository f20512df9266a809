"""The module's own readers of diskshadow's and vssadmin's texts, run here unchanged on texts that nobody wrote by hand."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.powershell import evaluator, expressions, source
from tests.powershell.writer_texts import Text, diskshadow_texts, values, vssadmin_texts

SAMPLES = Path(__file__).parent / "samples"
GENERATED = SAMPLES / "generated.json"
LANGUAGES = ("english", "german", "japanese")
read_diskshadow = evaluator.load("ConvertFrom-BorgClusterWriterText")
read_vssadmin = evaluator.load("ConvertFrom-BorgClusterVssadminText")

endings = st.sampled_from(["", "\r"])


def read(lines: list[str]) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Return the components and the writers that the module finds in diskshadow's lines."""
    (found,) = read_diskshadow(Line=lines)
    return found["Components"], found["Writers"]


@given(diskshadow_texts(), endings)
def test_all_that_diskshadow_tells_is_found(text: Text, ending: str) -> None:
    assert read(text.rendered(ending)) == (values(text.components()), values(text.writers()))


@given(vssadmin_texts(), endings)
def test_all_that_vssadmin_tells_is_found(text: Text, ending: str) -> None:
    assert read_vssadmin(Line=text.rendered(ending)) == values(text.writers())


@given(diskshadow_texts(), st.data())
def test_a_text_that_breaks_off_tells_what_it_told_until_then(text: Text, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(text.lines)))
    whole = text.rendered()[:length]
    assert read(whole) == (values(text.components(length)), values(text.writers(length)))
    if length < len(text.lines):
        line = text.lines[length]
        components, writers = read([*whole, line.text[: data.draw(st.integers(0, len(line.text)))]])
        # of the block that the torn line belongs to, less or a shorter name may be known; of the others nothing changes
        kept = values(text.components(length), without=line.block), values(text.writers(length), without=line.block)
        assert [one for one in components if one in kept[0]] == kept[0]
        assert [one for one in writers if one in kept[1]] == kept[1]
        assert len(components) - len(kept[0]) <= 1
        assert len(writers) - len(kept[1]) <= 1


@given(vssadmin_texts(), st.data())
def test_the_same_of_vssadmin(text: Text, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(text.lines)))
    assert read_vssadmin(Line=text.rendered()[:length]) == values(text.writers(length))


@given(diskshadow_texts(), vssadmin_texts(), st.data())
def test_lines_in_any_order_are_no_error(text: Text, other: Text, data: st.DataObject) -> None:
    lines = data.draw(st.permutations(text.rendered() + other.rendered()))
    components, writers = read(lines)
    assert len(components) <= len(text.machines)
    assert all(set(one) == {"writer_id", "state", "failure_code"} for one in writers + read_vssadmin(Line=lines))


@given(st.lists(st.one_of(st.text(max_size=40), st.text("*+-{}()[]:=\\0x9VSS_WCT ", max_size=40)), max_size=20))
def test_garbage_is_no_error(lines: list[str]) -> None:
    assert read(lines)[0] == []
    read_vssadmin(Line=lines)


@pytest.mark.parametrize("language", LANGUAGES)
def test_samples_are_read(language: str) -> None:
    expected = json.loads((SAMPLES / f"writers-{language}.json").read_text(encoding="utf-8"))
    lines = (SAMPLES / f"writers-{language}.txt").read_text(encoding="utf-8").splitlines()
    assert read(lines) == (expected["components"], expected["writers"])
    listed = (SAMPLES / f"vssadmin-{language}.txt").read_text(encoding="utf-8").splitlines()
    assert read_vssadmin(Line=listed) == json.loads((SAMPLES / f"vssadmin-{language}.json").read_text(encoding="utf-8"))


def _generate() -> None:
    """Write some of the texts down, for a real PowerShell to read (Private.Tests.ps1)."""
    samples: list[dict[str, object]] = []

    @settings(derandomize=True, database=None, max_examples=25, phases=[Phase.generate])
    @given(diskshadow_texts(), vssadmin_texts(), endings)
    def collect(shadow: Text, admin: Text, ending: str) -> None:
        expected = {"components": values(shadow.components()), "writers": values(shadow.writers())}
        samples.append({"tool": "diskshadow", "lines": shadow.rendered(ending), "expected": expected})
        samples.append({"tool": "vssadmin", "lines": admin.rendered(ending), "expected": {"writers": values(admin.writers())}})

    collect()
    GENERATED.write_text(json.dumps(samples, indent=1) + "\n", encoding="ascii")


def test_generated_samples_are_read_as_a_real_powershell_reads_them() -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        _generate()
    samples = json.loads(GENERATED.read_text(encoding="ascii"))
    assert {sample["tool"] for sample in samples} == {"diskshadow", "vssadmin"}
    assert "generated.json" in (Path(__file__).parent / "pester" / "Private.Tests.ps1").read_text(encoding="ascii")
    for sample in samples:
        if sample["tool"] == "vssadmin":
            assert read_vssadmin(Line=sample["lines"]) == sample["expected"]["writers"]
        else:
            assert read(sample["lines"]) == (sample["expected"]["components"], sample["expected"]["writers"])


UNKNOWN = {
    "$a = $b + 1 | Sort-Object": "pipeline",
    "while ($true) { $a = 1 }": "while_statement",
    "if ($a -like 'b') { $a = 1 }": "operator -like",
    "$a = $b.Trim()": "method Trim",
    "$a = [long] $b": "[long]",
    "if ($a) { $b = 1 } else { $b = 2 }": "else_clause",
    "$a = Get-Thing -Name 'x'": "a command with parameters",
}


@pytest.mark.parametrize("text", UNKNOWN)
def test_the_evaluator_refuses_what_it_does_not_know(text: str) -> None:
    with pytest.raises(expressions.UnknownGrammarError, match=UNKNOWN[text].replace("[", r"\[")):
        evaluator.compiled(source.parse(f"function F {{ {text} }}".encode()))


def test_the_evaluator_fails_where_powershell_does() -> None:
    run = evaluator.compiled(
        source.parse(b"function F {\nparam ([string] $Text)\nif ($Text -match '([0-9]+)') { [int] $Matches[1] } }")
    )
    assert run(Text="a 012") == [12]
    with pytest.raises(expressions.PowerShellError, match="Int32"):
        run(Text="99999999999")
    with pytest.raises(expressions.PowerShellError, match="has not been set"):
        evaluator.compiled(source.parse(b"function F { $never }"))()
