"""A configuration as text again: what archives keep of it, and what `config bootstrap` makes a file of.

References to secrets stay, since they are none. Command lines don't: nobody can tell a secret in one. Comments are gone with the
file's own text. What is left out is said in the head, so that it can be put back.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from borg_cluster.core.quoting import without_passwords
from borg_cluster.errors import UsageError

COMMAND_LINES = (("encryption_passcommand",), ("borg", "ssh_command"), ("commands", "run"))
"""Keys whose values are command lines; lists on the way are walked through."""
LEFT_OUT = "# left out: "
_HERE = "# in the repository: "
_NO_COMMAND = ": 'left out of the archive, as any command line'"
"""What stands for the lines of a hook: a configuration needs one, and this does nothing."""
_OTHER_LINE_ENDS = frozenset("\x85\u2028\u2029")
_HEAD = "# The configuration of borg-cluster as an archive keeps it: borg-cluster config bootstrap REPOSITORY makes a file of it."


def kept(value: object) -> str:
    """Return the text that archives keep of a configuration's plain value: YAML that can be loaded again."""
    found = _without_commands(value)
    lines = [_HEAD, *(f"{LEFT_OUT}{'.'.join(key)}" for key in COMMAND_LINES if _holds(value, key))]
    return "\n".join((*lines, render(found)))


def left_out(text: str) -> tuple[str, ...]:
    """Return the keys that such a text says were left out: 'commands.run'."""
    lines = text.splitlines()
    return tuple(line.removeprefix(LEFT_OUT).strip() for line in lines if line.startswith(LEFT_OUT))


def kept_in(text: str, label: str | None) -> str:
    """Return such a text as an archive of the repository with this label keeps it: so that whoever finds it knows which it is."""
    if label is None or not label.isprintable():
        return text
    head, _, rest = text.partition("\n")
    return f"{head}\n{_HERE}{label}\n{rest}"


def label_of(text: str) -> str | None:
    """Return the label of the repository that such a text was kept in, if it says so."""
    return next((line.removeprefix(_HERE).strip() for line in text.splitlines()[:2] if line.startswith(_HERE)), None)


def render(value: object) -> str:
    """Return plain values as YAML, ending with a line feed; our own loader reads the same values of it."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100_000)


class _Dumper(yaml.SafeDumper):
    """Quotes what YAML takes for an end of a line besides the line feed: PyYAML writes these as they are, and reads a space."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _OTHER_LINE_ENDS.intersection(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def save(path: Path, text: str, *, overwrite: bool) -> None:
    """Write a configuration file that only its owner reads, whole or not at all.

    Raises UsageError if it is there and is not to be overwritten, or can't be written.
    """
    if path.exists() and not overwrite:
        raise UsageError(f"{path} is there already", hint="--overwrite replaces it; --destination FILE writes another one")
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}", hint="--destination FILE writes elsewhere") from error


def _without_commands(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    made: dict[str, Any] = {str(key): _clean(item) for key, item in value.items()}
    made.pop("encryption_passcommand", None)
    if isinstance(made.get("borg"), dict):
        made["borg"].pop("ssh_command", None)
    for hook in made.get("commands") or ():
        hook["run"] = [_NO_COMMAND]
    return made


def _clean(value: object) -> object:
    """Return a copy of plain values, without passwords in URLs."""
    if isinstance(value, Mapping):
        return {str(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return without_passwords(value) if isinstance(value, str) else value


def _holds(value: object, key: tuple[str, ...]) -> bool:
    return any(found is not None for found in _at(value, key))


def _at(value: object, key: tuple[str, ...]) -> Iterator[object]:
    if isinstance(value, list):
        for item in value:
            yield from _at(item, key)
    elif not key:
        yield value
    elif isinstance(value, Mapping):
        yield from _at(value.get(key[0]), key[1:])
