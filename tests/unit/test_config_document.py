"""YAML as a configuration is written in: plain values with places; slips of syntax in one line; no bombs."""

from pathlib import Path

import pytest

from borg_cluster.config import document


def read(tmp_path: Path, text: str | bytes) -> tuple[object, list[str]]:
    file = tmp_path / "x.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    found = document.read(file)
    return found.value, [complaint.render().replace(f"{file}:", "") for complaint in found.complaints]


def test_only_plain_words_are_anything_but_text(tmp_path: Path) -> None:
    text = "[true, false, 12, -1, 0, ~, null, , NO, True, 012, 0o7, 1_000, 1.5, '12', \"true\", 12345678901234567890]"

    value, complaints = read(tmp_path, text.replace(", ,", ","))

    assert complaints == []
    assert value == [
        True, False, 12, -1, 0, None, None, "NO", "True", "012", "0o7", "1_000", "1.5", "12", "true", "12345678901234567890",
    ]  # fmt: skip


def test_anchors_share_a_value(tmp_path: Path) -> None:
    assert read(tmp_path, "a: &x {k: 1}\nb: *x\n") == ({"a": {"k": 1}, "b": {"k": 1}}, [])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('a: "C:\\ClusterStorage"', "1:8: found unknown escape character 'C' (in double quotes a backslash begins an escape; "),
        ("a:\n\tb: 1", "2:1: found character '\\t' that cannot start any token (indent with spaces, not with tabs)"),
        ("a: b: c", "1:5: mapping values are not allowed here (put text that holds ': ' in quotes)"),
        ("a: @b", "1:4: found character '@' that cannot start any token (put the text in quotes)"),
        ("a: [1", "1:6: "),
        ("a: *b", "1:4: found undefined alias 'b'"),
        ("a: 1\n--- b", "2:1: but found another document"),
        ("a: \x07", "1:4: a character that YAML does not allow: U+0007"),
        (b"a: 1\nb: \xff", "2:4: is not UTF-8 text"),
        ("a: !include b.yaml", "1:4: the tag !include is not supported"),
        ("? [a]\n: 1", "1:3: a key must be text"),
        ("[" * 100, "1:33: nested deeper than 32"),
        ("- " * 2000, "1:65: nested deeper than 32"),
        ("a: &a [*a]", "1:4: too many values: aliases"),
    ],
)
def test_a_slip_is_one_line_with_its_place(tmp_path: Path, text: str | bytes, complaint: str) -> None:
    _, complaints = read(tmp_path, text)

    assert len(complaints) == 1
    assert "\n" not in complaints[0]
    assert complaints[0].startswith(complaint)


def test_a_bomb_of_aliases_is_given_up_early(tmp_path: Path) -> None:
    lines = ["- &l0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"- &l{level + 1} [{', '.join([f'*l{level}'] * 10)}]" for level in range(12)]

    _, complaints = read(tmp_path, "\n".join(lines))

    assert [line.partition(": ")[2] for line in complaints] == ["too many values: aliases (*name) multiply here"]


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfa: 1") == ({"a": 1}, [])
