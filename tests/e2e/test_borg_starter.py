"""A borg that is started by a fork of one that is loaded does what one does that is started by itself, and ends when we do."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from borg_cluster import borg_starter
from borg_cluster.borg_arguments import CreateOptions
from borg_cluster.borg_process import environment
from borg_cluster.errors import BorgFailed
from tests.e2e.borg_site import BorgSite, make_site, write


@pytest.fixture
def site(tmp_path: Path) -> BorgSite:
    return make_site(tmp_path / "site")


def outcome(process: "borg_starter.Forked | subprocess.Popen[bytes]") -> tuple[int, bytes, bytes]:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        process.stdin.close()
        out, err = process.stdout.read(), process.stderr.read()
        return process.wait(), out, err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--version",), 0),
        (("--no-such-option",), 2),
        (("list", "--json"), 0),
        (("info", "::nowhere"), 31),
        (("debug", "dump-archive", "::one", "-"), 0),
        (("create", "--list", "::two", "file"), 0),
        (("create", "::{no such placeholder}", "file"), 6),
    ],
)
def test_it_says_and_returns_what_a_borg_does_that_is_loaded_anew(
    site: BorgSite, tmp_path: Path, words: tuple[str, ...], code: int
) -> None:
    file = write(tmp_path / "here" / "file", b"content")
    site.borg.create("one", comment="", options=CreateOptions(), paths=(f"{file.parent}/./file",))
    arguments = (os.fspath(borg_starter.BESIDE), *words)
    made = environment(site.settings, site.repository.path) | {"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}
    forked = borg_starter.start(arguments, made, folder=os.fspath(file.parent))
    assert forked is not None
    told = outcome(forked)
    if words[0] == "create":
        assert len(site.borg.list_archives()) == (2 if code == 0 else 1)
        if code == 0:
            site.borg.delete("two")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    again = outcome(subprocess.Popen(arguments, env=made, cwd=file.parent, **pipes))  # type: ignore[call-overload] # pipes
    assert told == again
    assert told[0] == code


def test_another_borg_is_started_as_any_program_is(
    site: BorgSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    other = write(tmp_path / "bin" / "borg", borg_starter.BESIDE.read_bytes())
    other.chmod(0o700)
    refusal = borg_starter.refusal(os.fspath(other))
    assert refusal == f"{other} is not the Borg that is installed with us"
    assert borg_starter.start((os.fspath(other), "--version"), {}) is None
    assert site.again(executable=os.fspath(other)).list_archives() == ()
    assert caplog.messages == [f"borg is loaded anew for each command: {refusal}"], "once"
    monkeypatch.setattr(borg_starter, "BESIDE", write(tmp_path / "bin" / "wrapper", b"#!/bin/sh\nexec borg\n"))
    assert borg_starter.refusal(f"{tmp_path}/bin/wrapper") == f"{tmp_path}/bin/wrapper is not the script that Borg installs"
    assert borg_starter.start((f"{tmp_path}/bin/wrapper", "--version"), {}) is None


def test_when_what_starts_borg_is_killed_an_archive_fails_and_the_next_does_not(site: BorgSite, tmp_path: Path) -> None:
    file = write(tmp_path / "here" / "file", os.urandom(20_000_000))
    killed: list[int] = []

    def kill(*_: object) -> None:
        if not killed:
            killed.extend(starters(os.getpid()))
            for number in killed:
                os.kill(number, signal.SIGKILL)

    paths = (f"{file.parent}/./file",)
    with pytest.raises(BorgFailed, match="code -9"):
        site.borg.create("lost", comment="", options=CreateOptions(), paths=paths, heed=kill)
    assert killed
    site.borg.create("kept", comment="", options=CreateOptions(), paths=paths)
    assert "kept" in [archive.name for archive in site.borg.list_archives()]


_ENDLESS = """
import os, sys
from borg_cluster.borg_arguments import CreateOptions
from borg_cluster.core.policy import BorgSettings, Repository
from borg_cluster.borg import Borg
settings = BorgSettings(executable="borg", passphrase=None, passcommand=None, lock_wait=0, umask=0o077, ssh_command=None,
                        base_directory=sys.argv[1], upload_rate_limit=None)
borg = Borg(settings, Repository(path=sys.argv[2], label="main"), secret=str)
options = CreateOptions(extra=("--read-special",))
borg.create("endless", comment="", options=options, paths=(sys.argv[3],), heed=lambda *_: print("reads", flush=True))
"""


def test_borg_ends_in_order_when_who_had_it_started_is_killed(site: BorgSite, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    words = (sys.executable, "-c", _ENDLESS, str(site.settings.base_directory), site.repository.path, os.fspath(fifo))
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process, fifo.open("wb", buffering=0) as endless:
        content = os.urandom(1 << 20)
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        while not process.stdout.read(1):
            endless.write(content)
        process.kill()
        with pytest.raises(BrokenPipeError):  # borg has let go of it
            write_on(endless, content)
    assert site.again(lock_wait=60).list_archives() == ()


def write_on(file: IO[bytes], content: bytes) -> None:
    while True:
        file.write(content)


def starters(parent: int) -> list[int]:
    """Return the processes that start borgs for ``parent``."""
    found = Path(f"/proc/{parent}/task").glob("*/children")
    children = [int(number) for file in found for number in file.read_text(encoding="ascii").split()]
    return [number for number in children if b"borg_starter" in Path(f"/proc/{number}/cmdline").read_bytes()]
