"""prune, compact, check and verify, with the real borg: what goes is what the rules say, and what must stay stays."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from borg_cluster import upkeep
from borg_cluster.catalog import AttemptState, Catalog
from borg_cluster.core.event import (
    ArchiveStarted,
    CatalogRebuilt,
    Checked,
    Compacted,
    Event,
    Pruned,
    UpkeepFailed,
    Verified,
    Warned,
)
from borg_cluster.core.planned import BackupPlan
from borg_cluster.core.policy import Check, CheckKind, CommandHook, Compaction, Repository, Retention
from borg_cluster.errors import AlreadyRunning, BorgClusterError, Refused, UnknownVM, UsageError, Vetoed
from borg_cluster.hookspecs import Veto, hookimpl
from borg_cluster.run import RunOutcome, run
from borg_cluster.run_record import RunRecord, Unfinished, job_lock
from borg_cluster.upkeep.ours import name_shape
from borg_cluster.upkeep.rebuild import Rebuilt, rebuild, rebuild_if_lost
from borg_cluster.verify import verify
from tests.e2e.upkeep_site import HOSTILE, NIGHTLY, NIGHTS, OTHER, STRANGER, Stock, UpkeepSite, make_stock


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Stock:
    return make_stock(tmp_path_factory.mktemp("upkeep"))


@pytest.fixture
def site(stock: Stock) -> Iterator[UpkeepSite]:
    with stock.again() as again:
        yield again


def attempt(site: UpkeepSite, name: str, state: AttemptState) -> None:
    """Let the newest attempt at a VM have ended so."""
    (newest,) = [one for one in site.context.catalog.attempts(site.context.policy.cluster) if one.name == name]
    site.context.catalog.record_attempt(replace(newest, state=state, reason="the disk was gone"))


def test_prune_removes_what_the_rules_say_and_nothing_else(site: UpkeepSite) -> None:
    before = {name: site.archives(name) for name in (HOSTILE, OTHER)}
    upkeep.prune(site.context)
    assert {name: site.archives(name) for name in before} == {name: names[-2:] for name, names in before.items()}
    assert STRANGER in site.archives()
    (event,) = site.of(Pruned)
    assert set(event.removed) == {name for names in before.values() for name in names[:-2]}
    assert (event.kept, event.held, event.dry_run) == (4, 0, False)
    assert site.known() == sorted(name for names in before.values() for name in names[-2:])
    upkeep.prune(site.context)
    assert site.of(Pruned)[-1].removed == ()


def test_a_dry_run_says_what_would_go_and_touches_nothing(site: UpkeepSite, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    site.reconfigure(commands=(CommandHook(moment="before", scope="action", when=(), states=(), run=(f"touch {ran}",)),))
    before = site.archives()
    (retained,) = upkeep.prune(site.context, dry_run=True)
    assert len(retained.remove) == len(site.of(Pruned)[0].removed) == 2 * (NIGHTS - 2)
    assert site.archives() == before
    assert not ran.exists()


@pytest.mark.parametrize("state", [AttemptState.FAILED, AttemptState.REFUSED, AttemptState.STARTED])
def test_nothing_goes_of_a_vm_whose_newest_run_did_not_end_well(site: UpkeepSite, state: AttemptState) -> None:
    attempt(site, HOSTILE, state)
    (retained,) = upkeep.prune(site.context)
    assert len(site.archives(HOSTILE)) == NIGHTS
    assert len(site.archives(OTHER)) == 2
    assert site.of(Pruned)[0].held == NIGHTS - 2
    (reason,) = {one.reason for one in retained.keep if one.archive.name == HOSTILE}
    assert "nightly" in reason


def test_nothing_goes_while_an_archive_awaits_its_comparison(site: UpkeepSite, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    site.raw("create", "::hv-x.checkpoint", str(tmp_path))
    before = site.archives()
    upkeep.prune(site.context)
    assert site.archives() == before
    (warned,) = site.of(Warned)
    assert "hv-x.checkpoint" in warned.message
    assert "borg delete" in (warned.hint or "")
    record = RunRecord.begin(site.context.state, cluster=site.context.policy.cluster, run_id="dead")
    record.add_unfinished(Unfinished(repository="main", subject="x", archive="hv-x.checkpoint"))
    upkeep.prune(site.context)
    assert site.archives() == before, "a living run's"
    record.close()
    upkeep.prune(site.context)
    assert len(site.archives()) < len(before), "a dead run's awaits nothing"
    assert "hv-x.checkpoint" in site.archives()


def test_a_lost_catalog_is_filled_again_and_lets_nothing_go_until_a_run_is_known(site: UpkeepSite) -> None:
    known, before = site.known(), site.archives()
    cluster = site.context.policy.cluster
    for archive in known:
        site.context.catalog.forget_archive("main", archive)
    attempts = site.context.catalog.attempts(cluster)
    site.reconfigure(jobs=(replace(NIGHTLY, name="nightly2"), NIGHTLY))
    site.context.catalog._connection.execute("DELETE FROM attempt")
    (retained,) = upkeep.prune(site.context)
    assert site.known() == known
    assert site.archives() == before
    assert {one.reason for one in retained.keep} == {"no run of it is known; the next good archive lets go"}
    manifest = site.context.catalog.manifest("main", known[0])
    assert manifest is not None
    assert manifest.job == "nightly"
    for one in attempts:
        site.context.catalog.record_attempt(one)
    upkeep.prune(site.context)
    assert len(site.archives(OTHER)) == 2
    assert STRANGER in site.archives()


def test_a_catalog_that_is_gone_is_begun_anew_from_the_manifests(site: UpkeepSite) -> None:
    cluster = site.context.policy.cluster
    known = site.context.catalog.archives(cluster)
    good = site.context.catalog.good_archives(cluster)
    manifests = {row.archive: site.context.catalog.manifest("main", row.archive) for row in known}
    with Catalog.open(site.context.state / "another.sqlite") as new:
        site.context = replace(site.context, catalog=new)
        assert rebuild_if_lost(site.context) == Rebuilt(archives=len(known), runs=NIGHTS, oldest=known[0].created_at, failed=())
        rows = new.archives(cluster)
        assert [(row.archive, row.archive_id, row.subject, row.job, row.created_at) for row in rows] == [
            (row.archive, row.archive_id, row.subject, row.job, row.created_at) for row in known
        ]
        assert new.good_archives(cluster) == good
        assert {row.archive: new.manifest("main", row.archive) for row in rows} == manifests
        assert [(run.run_id, run.done, run.rebuilt) for run in new.runs(cluster)] == [
            (run_id, 2, True) for run_id in sorted({row.run_id for row in known})
        ]
        (gap,) = new.gaps(cluster)
        assert (gap.archives, gap.runs, gap.oldest) == (len(known), NIGHTS, known[0].created_at)
        assert [(event.archives, event.runs) for event in site.of(CatalogRebuilt)] == [(len(known), NIGHTS)]
        assert "what happened before is not known any more" in site.of(Warned)[0].message
        assert rebuild_if_lost(site.context) is None
        new.forget_archive("main", known[0].archive)
        assert rebuild(site.context, reason="it was asked for").archives == 1
        assert len(new.gaps(cluster)) == 1, "what is known already has no gap"


def test_a_repository_that_does_not_open_is_told_of_and_the_others_are_taken_in(site: UpkeepSite) -> None:
    lost = Repository(path=str(site.context.state / "nowhere"), label="lost")
    site.reconfigure(repositories=(lost, *site.context.policy.repositories))
    site.context.catalog.forget_archive("main", site.known()[0])
    rebuilt = rebuild(site.context, reason="it was asked for")
    assert rebuilt.archives == 1
    assert [label for label, _ in rebuilt.failed] == ["lost"]


def test_an_archive_that_was_deleted_by_hand_is_forgotten(site: UpkeepSite) -> None:
    gone = site.archives(OTHER)[-1]
    site.borg.delete(gone)
    upkeep.prune(site.context)
    assert gone not in site.known()
    assert any(gone in event.message for event in site.of(Warned))
    (good,) = [one for one in site.context.catalog.good_archives(site.context.policy.cluster) if one.vm_id == site.id_of(OTHER)]
    assert good.archive == site.archives(OTHER)[-1]


def test_jobs_without_rules_and_jobs_that_are_gone_keep_all(site: UpkeepSite) -> None:
    before = site.archives()
    site.reconfigure(jobs=(replace(NIGHTLY, retention=Retention()),))
    upkeep.prune(site.context)
    site.reconfigure(jobs=())
    upkeep.prune(site.context)
    assert site.archives() == before


def test_a_vm_keeps_its_last_archive_however_old(site: UpkeepSite) -> None:
    site.reconfigure(jobs=(replace(NIGHTLY, retention=Retention(within=3600)),))
    upkeep.prune(site.context)
    assert len(site.archives(HOSTILE)) == len(site.archives(OTHER)) == 1


def test_a_repository_that_does_not_open_fails_alone(site: UpkeepSite) -> None:
    site.reconfigure(repositories=(Repository(path="/nowhere/at/all", label="gone"), *site.context.policy.repositories))
    upkeep.prune(site.context)
    upkeep.compact(site.context)
    assert [(event.action, event.subject) for event in site.of(UpkeepFailed)] == [("prune", "gone"), ("compact", "gone")]
    assert len(site.archives(OTHER)) == 2
    assert [event.repository for event in site.of(Compacted)] == ["main"]
    with pytest.raises(UsageError, match="no repository mian") as caught:
        upkeep.prune(site.context, repositories=("mian",))
    assert caught.value.hint == "did you mean main?"


def test_compact_frees_space_when_it_is_due(site: UpkeepSite) -> None:
    site.reconfigure(compaction=Compaction(frequency=7 * 86400))
    upkeep.prune(site.context)
    assert upkeep.compact(site.context)[0][1].due
    assert not upkeep.compact(site.context)[0][1].due
    assert "freed" in site.of(Compacted)[0].message
    site.clock.advance(7 * 86400)
    upkeep.compact(site.context)
    upkeep.compact(site.context, force=True)
    assert len(site.of(Compacted)) == 3


def test_checks_are_made_when_they_are_due(site: UpkeepSite) -> None:
    kinds = tuple(Check(kind=kind, frequency=86400) for kind in CheckKind if kind is not CheckKind.BOOT)
    site.reconfigure(checks=kinds)
    upkeep.check(site.context, seed=1)
    assert [event.check for event in site.of(Checked)] == ["repository", "data", "extract"], "reading all holds 'archives'"
    assert len(site.of(Verified)) == 1
    assert not any(one.due.due for _, one in upkeep.check(site.context, seed=1))
    upkeep.check(site.context, seed=1, only=(CheckKind.ARCHIVES,), force=True)
    assert site.of(Checked)[-1].check == "archives"
    assert not site.of(UpkeepFailed)


def test_a_random_vm_is_another_one_with_another_seed(site: UpkeepSite) -> None:
    site.reconfigure(checks=(Check(kind=CheckKind.EXTRACT, frequency=None),))
    for seed in range(4):
        upkeep.check(site.context, seed=seed)
    assert {event.name for event in site.of(Verified)} == {HOSTILE, OTHER}
    assert {event.archive for event in site.of(Verified)} == {site.archives(HOSTILE)[-1], site.archives(OTHER)[-1]}


def damage(site: UpkeepSite) -> None:
    """Change bytes in the middle of the largest segment."""
    segments = (path for path in Path(site.site.repository.path).glob("data/*/*") if path.is_file())
    segment = max(segments, key=lambda path: path.stat().st_size)
    content = bytearray(segment.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(byte ^ 0xFF for byte in content[middle : middle + 64])
    segment.write_bytes(bytes(content))


def test_a_damaged_repository_fails_its_checks_and_stays_due(site: UpkeepSite) -> None:
    damage(site)
    site.reconfigure(checks=(Check(kind=CheckKind.REPOSITORY, frequency=86400), Check(kind=CheckKind.DATA, frequency=86400)))
    for _ in range(2):
        upkeep.check(site.context, seed=1)
    assert [event.action for event in site.of(UpkeepFailed)] == ["check repository", "check data"] * 2
    assert not site.of(Checked)


def test_verify_proves_an_archive_and_leaves_nothing(site: UpkeepSite, tmp_path: Path) -> None:
    verified = verify(site.context, HOSTILE)
    assert (verified.archive, verified.warnings) == (site.archives(HOSTILE)[-1], ())
    assert verified.files > 1
    verify(site.context, OTHER, archive="2026-03-02", folder=tmp_path / "room")
    assert site.of(Verified)[-1].archive == site.archives(OTHER)[1]
    assert list((tmp_path / "room").iterdir()) == []
    assert not (site.context.state / "verify").exists()
    with pytest.raises(UnknownVM):
        verify(site.context, "nobody")


def test_verify_sees_other_chunks_than_were_read(site: UpkeepSite) -> None:
    catalog = site.context.catalog
    archive = site.archives(HOSTILE)[-1]
    catalog._connection.execute("UPDATE chunk_hash SET hash = 'x'")
    with pytest.raises(BorgClusterError, match="made of other chunks") as caught:
        verify(site.context, HOSTILE)
    assert archive in caught.value.message
    assert not site.of(Verified)


@pytest.mark.impossible
def test_verify_sees_a_disk_that_is_none(site: UpkeepSite) -> None:
    plain = site.context.emit

    def emit(event: Event) -> None:
        plain(event)
        if isinstance(event, ArchiveStarted):  # all has been looked at, nothing been read
            for disk in site.cluster.volume_folder("Volume1").rglob("*.vhdx"):
                with disk.open("r+b") as file:
                    file.write(b"nonsense")

    site.context = replace(site.context, emit=emit)
    site.back_up()
    assert site.archives(OTHER)[-1].endswith("2026-03-04T02:00:00Z")
    with pytest.raises(BorgClusterError, match="VHDX file identifier"):
        verify(site.context, OTHER)


def test_verify_is_refused_without_room(site: UpkeepSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(Refused, match="has 1000 bytes left") as caught:
        verify(site.context, HOSTILE)
    assert "--to" in (caught.value.hint or "")
    site.reconfigure(checks=(Check(kind=CheckKind.EXTRACT, frequency=None),))
    upkeep.check(site.context, seed=1)
    assert "has room for none" in site.of(UpkeepFailed)[0].reason


@pytest.mark.parametrize(
    ("template", "name", "fits"),
    [
        ("{cluster}-{subject}-{now}", STRANGER, True),
        ("{cluster}-{subject}-{now}", STRANGER + "_2", True),
        ("{cluster}-{subject}-{now}", "hv.example.test-x", False),
        ("{cluster}-{subject}-{now}", "hvXexample.test-x-2026-02-01T02:00:00Z", False),
        ("{now}+{subject}", "2026-02-01T02:00:00Z+Volume1", True),
        ("{now}+{subject}", "2026-02-01+Volume1", False),
    ],
)
def test_the_shape_of_our_names(template: str, name: str, fits: bool) -> None:
    assert (name_shape(template, "hv.example.test").fullmatch(name) is not None) is fits


def night(site: UpkeepSite, *jobs: str) -> RunOutcome:
    """Run what is due."""
    return run(site.context, run_id=f"run-{site.clock().isoformat()}", seed=1, jobs=jobs)


def test_a_job_runs_when_it_is_due_or_named(site: UpkeepSite) -> None:
    site.reconfigure(jobs=(replace(NIGHTLY, frequency=7 * 86400),), checks=())
    before = site.archives(OTHER)
    outcome = night(site)
    assert [(job.name, job.due.due) for job in outcome.jobs] == [("nightly", False)]
    assert site.archives(OTHER) == before[-2:], "what was there is pruned all the same"
    site.clock.advance(60)
    named = night(site, "nightly")
    assert (named.exit_code, named.failed) == (0, ())
    assert (named.jobs[0].done, named.jobs[0].read > 0) == (2, True)
    assert len(site.archives(OTHER)) == 2
    assert site.archives(OTHER)[0] == before[-1]
    assert [one.run_id for one in site.context.catalog.runs(site.context.policy.cluster)] == [outcome.run_id, named.run_id]
    with pytest.raises(UsageError, match="no job nightli"):
        night(site, "nightli")


def test_what_refuses_the_whole_run_refuses_all_of_it(site: UpkeepSite) -> None:
    class Gate:
        @hookimpl
        def before_create(self, plan: BackupPlan) -> None:
            raise Veto(f"maintenance: {len(plan.archives)}")

    before = site.archives()
    state, cluster = site.context.state, site.context.policy.cluster
    with job_lock(state, cluster=cluster, job="nightly", since="2026-03-01T01:00:00Z"), pytest.raises(AlreadyRunning):
        night(site)
    site.context.plugins.register(Gate(), name="gate")
    with pytest.raises(Vetoed, match="maintenance: 2"):
        night(site)
    assert site.archives() == before
    assert not site.of(Pruned)
