"""Borg's command lines and environment, and what its ends mean."""

import os
from dataclasses import replace

import pytest

from borg_cluster.borg_arguments import CreateOptions, common_arguments, create_arguments, from_files, from_roots, literal
from borg_cluster.borg_process import Call, Message, environment, failure
from borg_cluster.errors import BorgFailed, RepositoryRefused
from tests.plan_strategies import BORG

CALL = Call(arguments=("borg",), environment={}, repository="/srv/borg")


def test_the_environment_is_made_from_scratch(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BORG_PASSPHRASE", "BORG_REPO", "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "LC_ALL", "PYTHONPATH"):
        monkeypatch.setenv(name, "from outside")
    monkeypatch.delenv("HOME")
    made = environment(BORG, "/srv/borg")
    assert "from outside" not in made.values()
    assert (made["BORG_REPO"], made["BORG_EXIT_CODES"], made["LC_ALL"]) == ("/srv/borg", "modern", "C.UTF-8")
    assert made["HOME"]
    assert made["BORG_PASSPHRASE"] == ""


def test_options_of_a_job_come_last() -> None:
    arguments = create_arguments(CreateOptions(compression="lz4", extra=("--compression", "zstd"), files_cache=False))
    assert arguments[-4:] == ("--compression", "lz4", "--compression", "zstd")
    assert arguments[arguments.index("--files-cache") + 1] == "disabled"
    assert common_arguments(BORG) == ("--log-json", "--lock-wait", "1", "--umask", "0077")
    assert common_arguments(replace(BORG, lock_wait=0))[2] == "1", "a dead one's lock is cleared at the second look"


def test_a_list_of_files_goes_by_nul_but_for_a_carriage_return() -> None:
    raw = os.fsdecode(b"/a/./\xff")
    assert from_files(("/a/./b\n", raw)).stdin == b"/a/./b\n\0/a/./\xff"
    assert from_files(("/a/./b\r",)).paths == ("/a/./b\r",)
    assert from_roots(("/a/./b\n",), ("R /x/.", "! pf:/x/ö/.")).stdin == "R /x/.\n! pf:/x/ö/.\n".encode()


def test_text_is_literal_for_borg() -> None:
    assert literal("{now} \udcff\0é") == "{{now}} ?é"


@pytest.mark.parametrize("return_code", [10, 13, 15, 50, 52, 60, 62, 70, 73, 80, 87])
def test_a_repository_that_can_not_be_used_is_a_refusal(return_code: int) -> None:
    error = failure(CALL, return_code, [Message(level="ERROR", msgid="X", text="no\nmore")])
    assert isinstance(error, RepositoryRefused)
    assert error.message == "borg: no"


@pytest.mark.parametrize("return_code", [2, 4, 14, 20, 30, 31, 90, -9, 143])
def test_anything_else_is_a_failure(return_code: int) -> None:
    error = failure(CALL, return_code, [])
    assert isinstance(error, BorgFailed)
    assert str(return_code) in error.message
