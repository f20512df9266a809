"""Secrets by reference."""

import io
import os
import pty
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from borg_cluster import plugins
from borg_cluster.errors import UsageError


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    file = tmp_path / "pass word"
    file.write_text("it's a $ecret \n", encoding="utf-8")
    file.chmod(0o600)
    return file


def test_a_file_without_its_newline(secret_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert plugins.load(None).secret(f"{{credential file {secret_file}}}") == "it's a $ecret "
    assert caplog.messages == []


def test_a_file_that_everybody_can_read_is_told_of(secret_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    secret_file.chmod(0o644)

    plugins.load(None).secret(f"{{credential file {secret_file}}}")

    assert caplog.messages == [f"everybody on this machine can read the secret file {secret_file} (chmod o-r it)"]


def test_systemds_credentials(secret_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secret_file.parent))

    assert plugins.load(None).secret("{credential systemd pass word}") == "it's a $ecret "
    with pytest.raises(UsageError, match="is not the name of a systemd credential"):
        plugins.load(None).secret("{credential systemd ../pass word}")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("{credential file /nowhere/x}", "the secret file /nowhere/x can't be read: No such file or directory"),
        ("{credential systemd x}", "systemd gave this process no credentials"),
        ("{env BORG_CLUSTER_NO_SUCH}", "the secret {env BORG_CLUSTER_NO_SUCH} is not set"),
    ],
)
def test_what_is_not_there_is_said(reference: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(UsageError) as raised:
        plugins.load(None).secret(reference)
    assert said in raised.value.message


def test_an_empty_or_binary_file_is_no_secret(secret_file: Path) -> None:
    for content, said in ((b"\n", "is empty"), (b"\xff\xfe", "it is not UTF-8 text")):
        secret_file.write_bytes(content)
        with pytest.raises(UsageError, match=said):
            plugins.load(None).secret(f"{{credential file {secret_file}}}")


def test_a_keyring_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(UsageError) as raised:
        plugins.load(None).secret("{keyring borg-cluster EXAMPLE\\backup}")
    assert raised.value.message.endswith("can't be read: the package keyring is not installed")
    assert "pip install keyring" in str(raised.value.hint)


def test_a_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring, errors = ModuleType("keyring"), ModuleType("keyring.errors")
    known = {("borg-cluster", "EXAMPLE\\back up"): "it's a $ecret "}
    keyring.get_password = lambda *which: known.get(which)  # type: ignore[attr-defined] # a module made on the spot
    errors.KeyringError = RuntimeError  # type: ignore[attr-defined] # as above
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)

    assert plugins.load(None).secret("{keyring borg-cluster EXAMPLE\\back up}") == "it's a $ecret "
    with pytest.raises(UsageError, match="is not in the keyring"):
        plugins.load(None).secret("{keyring borg-cluster nobody}")


def locked(service: str, user: str) -> str:
    raise RuntimeError("it is\nlocked")


def test_a_keyring_that_does_not_open_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring, errors = ModuleType("keyring"), ModuleType("keyring.errors")
    keyring.get_password = locked  # type: ignore[attr-defined] # a module made on the spot
    errors.KeyringError = RuntimeError  # type: ignore[attr-defined] # as above
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)

    with pytest.raises(UsageError, match="can't be read: it is locked"):
        plugins.load(None).secret("{keyring borg-cluster u}")


ASK = "from borg_cluster import plugins; print('got', plugins.load(None).secret('{terminal EXAMPLE\\\\backup}')[::-1])"


def test_a_terminal_is_asked_and_shows_nothing() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", ASK], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as asking:
        os.close(theirs)
        seen = b""
        while b"Password for EXAMPLE\\backup: " not in seen:
            seen += os.read(ours, 1000)
        os.write(ours, b"abc def\n")
        while b"got" not in seen or not seen.endswith(b"\n"):
            seen += os.read(ours, 1000)
        assert asking.wait() == 0
    os.close(ours)
    assert b"abc" not in seen
    assert b"got fed cba" in seen


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("hunter2\n"))
    with pytest.raises(UsageError) as raised:
        plugins.load(None).secret("{terminal EXAMPLE\\backup}")
    assert raised.value.message == "there is no password for EXAMPLE\\backup, and no terminal to ask at"
    assert "remoting: password:" in str(raised.value.hint)
