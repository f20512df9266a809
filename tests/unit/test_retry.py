"""What is tried again, after how long and how often."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borg_cluster.core.retry import LONGEST, MOST_IN_RUN, TABLE, Fault, Retries, decide, fault_of
from borg_cluster.errors import (
    BorgClusterError,
    BorgFailed,
    Claimed,
    ClusterUnreachable,
    CommandFailed,
    NotMapped,
    Refused,
    RepositoryRefused,
    Vetoed,
)

SETTINGS = Retries(most=3, wait=30)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ClusterUnreachable("no node answered", lost="timed_out"), Fault.NODE_UNREACHABLE),
        (ClusterUnreachable("no node answered", lost="refused"), None),
        (BorgClusterError("node1 does not answer", lost="unreachable"), Fault.NODE_UNREACHABLE),
        (BorgClusterError("node1: unreadable answer", lost="failed"), None),
        (CommandFailed("in use", code="32774"), Fault.SNAPSHOT_BUSY),
        (CommandFailed("another snapshot set", code="0x80042316"), Fault.SNAPSHOT_BUSY),
        (
            caused(BorgClusterError("no application-consistent snapshot"), CommandFailed("x", code="0x800423F3")),
            Fault.SNAPSHOT_BUSY,
        ),
        (CommandFailed("not retryable, says the writer", code="0x800423F4"), None),
        (CommandFailed("access denied", code="0x80070005"), None),
        (CommandFailed("no space for the snapshot", code="0x8004231F"), None),
        (RepositoryRefused("timeout", msgid="LockTimeout", return_code=73), Fault.REPOSITORY_LOCKED),
        (BorgFailed("closed", msgid="ConnectionClosedWithHint", return_code=81), Fault.CONNECTION_LOST),
        (BorgFailed("broken", msgid="ConnectionBrokenWithHint", return_code=87), Fault.CONNECTION_LOST),
        (RepositoryRefused("wrong", msgid="PassphraseWrong", return_code=52), None),
        (RepositoryRefused("not there", msgid="Repository.DoesNotExist", return_code=13), None),
        (BorgFailed("full", msgid="Repository.InsufficientFreeSpaceError", return_code=14), None),
        (BorgFailed("killed", return_code=-9), Fault.BORG_KILLED),
        (BorgFailed("read error", fault=Fault.SHARE_HICCUP), Fault.SHARE_HICCUP),
        (BorgFailed("too long", fault=None), None),
        (OSError(errno.ESTALE, "Stale file handle"), Fault.SHARE_HICCUP),
        (OSError(errno.ENOSPC, "No space left on device"), None),
        (Refused("shared disk"), None),
        (NotMapped("no mount"), None),
        (Claimed("by somebody else"), None),
        (Vetoed("maintenance"), None),
        (ZeroDivisionError("a plugin's"), None),
    ],
)
def test_what_passes_by_itself(error: Exception, fault: Fault | None) -> None:
    assert fault_of(error) is fault
    assert (decide(error, 1, SETTINGS, in_run=0, chance=0.5) is None) == (fault is None)


def test_each_wait_is_longer_and_there_is_an_end_to_it() -> None:
    error = ClusterUnreachable("no node answered")
    waits = [decide(error, tries, SETTINGS, in_run=0, chance=0.5) for tries in range(1, 5)]
    assert [wait and (wait.number, wait.most, wait.seconds) for wait in waits] == [(1, 3, 30), (2, 3, 60), (3, 3, 90), None]
    assert decide(error, 1, Retries(most=0, wait=30), in_run=0, chance=0.5) is None
    assert decide(error, 1, SETTINGS, in_run=MOST_IN_RUN, chance=0.5) is None


def test_borg_that_was_killed_twice_stays_dead() -> None:
    killed = BorgFailed("killed", return_code=-15)
    assert decide(killed, 1, SETTINGS, in_run=0, chance=0) is not None
    assert decide(killed, 2, SETTINGS, in_run=0, chance=0) is None


@given(
    st.sampled_from(sorted(Fault)),
    st.integers(1, 200),
    st.builds(Retries, most=st.integers(0, 100), wait=st.integers(0, 3600)),
    st.floats(0, 1, exclude_max=True),
)
def test_no_wait_is_over_the_longest_and_no_fault_without_a_reason(
    fault: Fault, tries: int, settings: Retries, chance: float
) -> None:
    retry = decide(BorgClusterError("x", fault=fault), tries, settings, in_run=0, chance=chance)
    assert (retry is None) == (tries > min(settings.most, TABLE[fault].most or settings.most))
    if retry is not None:
        assert retry.why
        assert 0 <= retry.seconds <= LONGEST
        plain = settings.wait * TABLE[fault].times * tries
        assert retry.seconds == LONGEST or 0.75 * plain <= retry.seconds <= 1.25 * plain
