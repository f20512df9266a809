"""Locks and records of runs: a living run is told from a dead one, and what it left is known."""

import os
from pathlib import Path

import pytest

from borg_cluster.errors import AlreadyRunning
from borg_cluster.run_record import HeldClaim, RunRecord, Unfinished, job_lock

CLAIM = HeldClaim(vm_id="1", folder="C:\\x\\.borg-cluster", claim_id="2", node="node1")
ARCHIVE = Unfinished(repository="main", subject="1", archive="a.checkpoint")
CLUSTER = "hv/../[1]\n"


def test_a_lock_names_its_holder_and_ends_with_it(tmp_path: Path) -> None:
    with (
        job_lock(tmp_path, cluster=CLUSTER, job="../nightly", since="yesterday"),
        job_lock(tmp_path, cluster="other", job="../nightly", since="today"),
        pytest.raises(AlreadyRunning, match=f"pid {os.getpid()}, since yesterday"),
        job_lock(tmp_path, cluster=CLUSTER, job="../nightly", since="now"),
    ):
        raise AssertionError
    with job_lock(tmp_path, cluster=CLUSTER, job="../nightly", since="later"):
        pass
    assert {path.parent for path in tmp_path.rglob("*.lock")} == {tmp_path / "locks"}


def test_a_living_run_is_not_adopted(tmp_path: Path) -> None:
    living = RunRecord.begin(tmp_path, cluster=CLUSTER, run_id="living")
    living.add_claim(CLAIM)
    assert RunRecord.adopt(tmp_path, cluster=CLUSTER) == ()
    living.drop_claim(CLAIM)
    living.close()
    assert list(tmp_path.rglob("*.jsonl")) == []


def test_what_a_dead_run_left_is_known_but_for_a_torn_line(tmp_path: Path) -> None:
    dead = RunRecord.begin(tmp_path, cluster=CLUSTER, run_id="dead")
    other = Unfinished(repository="main", subject="2", archive="b.checkpoint")
    dead.add_claim(CLAIM)
    dead.add_unfinished(other)
    dead.add_unfinished(ARCHIVE)
    dead.drop_unfinished(other)
    dead.close()
    (path,) = tmp_path.rglob("*.jsonl")
    with path.open("a", encoding="utf-8") as file:
        file.write('{"kind": "claim", "vm_')
    assert RunRecord.adopt(tmp_path, cluster="other") == ()
    (adopted,) = RunRecord.adopt(tmp_path, cluster=CLUSTER)
    assert (adopted.claims, adopted.unfinished) == ([CLAIM], [ARCHIVE])
    assert RunRecord.adopt(tmp_path, cluster=CLUSTER) == (), "it is held by the one who took it over"
    adopted.drop_claim(CLAIM)
    adopted.close()
    (again,) = RunRecord.adopt(tmp_path, cluster=CLUSTER)
    assert (again.claims, again.unfinished) == ([], [ARCHIVE])
    again.drop_unfinished(ARCHIVE)
    again.close()
    assert list(tmp_path.rglob("*.jsonl")) == []


def test_what_a_run_needs_only_meanwhile_goes_with_its_record(tmp_path: Path) -> None:
    record = RunRecord.begin(tmp_path, cluster="hv", run_id="r")
    (record.room() / "copy").write_text("x")
    record.add_unfinished(Unfinished(repository="main", subject="vm", archive="a.checkpoint"))
    record._file.close()  # as a process that is killed
    assert list(tmp_path.rglob("copy"))
    (dead,) = RunRecord.adopt(tmp_path, cluster="hv")
    dead.close()
    assert not list(tmp_path.rglob("copy"))
    assert not list(tmp_path.rglob("*.room"))
