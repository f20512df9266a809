"""Literals for shells: a real shell reads back what was meant; PowerShell's rules are its specification's."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from borg_cluster.core.quoting import posix, powershell

HOSTILE = ["", "plain", "it's", '"$(x)" `y` \\', "-rf", "a\nb\n", "\n", "100%\n'q'\\n", "ümläut\u2028 日本", "!x *[1]?"]


def said(word: str) -> str:
    done = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    return done.stdout.decode()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_shell_reads_back_what_was_meant(text: str) -> None:
    word = posix(text)
    assert said(word) == text
    assert all(one.isprintable() for one in word)


@settings(max_examples=40)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12))
def test_a_shell_reads_back_anything(text: str) -> None:
    assert said(posix(text)) == text


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("", "''"),
        ("web01", "'web01'"),
        ("it's \u2018so\u2019", "'it''s \u2018\u2018so\u2019\u2019'"),
        ('"$(x)" `n', "'\"$(x)\" `n'"),
        ("a\nb", "('a' + [char] 10 + 'b')"),
        ("\r\n", "('' + [char] 13 + [char] 10)"),
        ("\n", "('' + [char] 10)"),
    ],
)
def test_powershell_takes_it_literally(text: str, expression: str) -> None:
    assert powershell(text) == expression
