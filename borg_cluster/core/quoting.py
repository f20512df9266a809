"""Texts for people to copy: as a shell takes them literally, and without what nobody else may read. Pure; nothing is ever run."""

import re

_SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b"
"""All of these are a single quote to PowerShell (its language specification, 2.3.5.2)."""
_CONTROLS = re.compile(r"([\x00-\x1f\x7f-\x9f\u2028\u2029]+)")
_PASSWORD = re.compile(r"(?<=://)([^\s/:@]*):[^\s/@]*@")
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+=,-]+")


def posix(text: str) -> str:
    """Return a word of a POSIX shell's line that means ``text``, in one line.

    Control characters are escaped in ``$'...'``, which bash, ksh, zsh and POSIX of 2024 know, and dash doesn't yet.
    """
    if _PLAIN.fullmatch(text):
        return text
    if not _CONTROLS.search(text):
        return "'" + text.replace("'", "'\"'\"'") + "'"
    plain = text.replace("\\", "\\\\").replace("'", "\\'")
    return "$'" + _CONTROLS.sub(lambda match: "".join(f"\\{byte:03o}" for byte in match[1].encode()), plain) + "'"


def powershell(text: str) -> str:
    """Return an expression of PowerShell (5.1 and later) that means ``text``, in one line."""
    parts: list[str] = []
    for index, part in enumerate(_CONTROLS.split(text)):
        if index % 2:
            parts.extend(f"[char] {ord(character)}" for character in part)
        elif part or not text:
            parts.append("'" + "".join(letter * 2 if letter in _SINGLE_QUOTES else letter for letter in part) + "'")
    if len(parts) == 1 and parts[0].startswith("'"):
        return parts[0]
    if parts[0].startswith("["):
        parts.insert(0, "''")  # or else two characters would be added as numbers
    return f"({' + '.join(parts)})"


def without_passwords(text: str) -> str:
    """Return ``text`` with the passwords of URLs (``ssh://user:password@host``) left out."""
    return _PASSWORD.sub(r"\1@", text)
