"""Secrets by reference."""

from pathlib import Path

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
