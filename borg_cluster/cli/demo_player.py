"""Plays the demo's commands as they are typed, shows what they print, and checks every claim that the demo makes."""

import io
import json
import signal
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import click

from borg_cluster.cli.render import new_console, sentence, words
from borg_cluster.errors import BorgClusterError, ExitCode

_SIGNALLED = 128


class ClaimBroken(BorgClusterError):
    """Something that the demo says is not so."""


class Player:
    """One performance. ``run`` is the CLI itself: command line in, exit code out."""

    def __init__(self, run: Callable[[list[str]], int], *, color: bool) -> None:
        self._run = run
        self._options = [] if color else ["--no-color"]
        self._console = new_console(color=color)
        self.claims = 0

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self._console.print()
        self._console.print(words(f"── {title} ──", "bold cyan"))

    def tell(self, text: str) -> None:
        """Say what happens behind the scene."""
        self._console.print(words(text))

    def play(self, *arguments: str, allowed: tuple[ExitCode, ...] = (ExitCode.FINE, ExitCode.WARNINGS)) -> None:
        """Type a command and show what it prints. Raises ClaimBroken if it exits with another code than ``allowed``."""
        line = " ".join(("borg-cluster", *(f"'{word}'" if _needs_quotes(word) else word for word in arguments)))
        self._console.print()
        self._console.print(sentence(words("$ ", "bold green"), words(line, "bold")), soft_wrap=True)
        code = self._carry_out([*self._options, *arguments])
        if code not in allowed:
            raise ClaimBroken(f"`{line}` exited with {code}")

    def ask(self, *arguments: str) -> Any:  # noqa: ANN401 -- JSON
        """Return the document that a command prints with --json, without showing it."""
        with redirect_stdout(io.StringIO()) as printed, redirect_stderr(io.StringIO()) as complained:
            code = self._carry_out(["--json", *arguments])
        if code not in {ExitCode.FINE, ExitCode.WARNINGS}:
            raise ClaimBroken(f"`{' '.join(arguments)}` exited with {code}: {complained.getvalue().strip()}")
        return json.loads(printed.getvalue())

    def claim(self, what: str, truth: object, *, instead: object = None) -> None:
        """Print a claim that was checked. Raises ClaimBroken, with what was found ``instead``, if it does not hold."""
        if not truth:
            raise ClaimBroken(f"not so: {what}" + ("" if instead is None else f"; instead: {instead}"))
        self.claims += 1
        self._console.print(sentence(words("  ok  ", "bold green"), what))

    def figure(self, name: str, value: str) -> None:
        """Print a figure that was measured."""
        self._console.print(sentence(words(f"  {name:<34}", "dim"), words(value, "bold")))

    def _carry_out(self, arguments: list[str]) -> int:
        code = self._run(arguments)
        if code in {_SIGNALLED + signal.SIGINT, _SIGNALLED + signal.SIGTERM}:
            raise click.exceptions.Exit(code)
        return code


def _needs_quotes(word: str) -> bool:
    return not word.replace("-", "").replace("_", "").replace(".", "").replace("/", "").isalnum()
