"""create, end to end: the simulated cluster's real files, the real Borg, a real catalog; only the wire is missing."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pytest

from borg_cluster import discover
from borg_cluster.borg_arguments import CreateOptions
from borg_cluster.borg_process import Call, Ended, passphrase_pipe
from borg_cluster.catalog import Catalog, manifest_from_json
from borg_cluster.context import Context
from borg_cluster.core.archive import Consistency
from borg_cluster.core.backup_plan import plan_backup
from borg_cluster.core.event import ArchiveFailed, ArchiveFinished, ArchiveStarted, CommandHookRan, Event, Followed, Noted, Warned
from borg_cluster.core.planned import BackupPlan, PlannedArchive
from borg_cluster.core.policy import CommandHook, Condition, Job, JobKind, Selection, WantedConsistency
from borg_cluster.create import CreateOutcome, create
from borg_cluster.errors import AlreadyRunning, Refused, RepositoryRefused, Vetoed
from borg_cluster.hookspecs import Veto, hookimpl
from borg_cluster.run_record import HeldClaim, RunRecord, Unfinished, job_lock
from borg_cluster.simulator import story
from borg_cluster.simulator.state import DiskSpec, SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from tests import direct
from tests.e2e.borg_site import BorgSite, make_site, write

E = TypeVar("E")


def job(name: str, kind: JobKind, *include: Condition, max_age: int | None = 26 * 3600) -> Job:
    return Job(
        name=name,
        kind=kind,
        repository="main",
        select=Selection(include=include, exclude=()),
        volumes=(),
        max_age=max_age,
        compression="lz4",
        chunker_params=None,
        extra_borg_options=(),
        consistency=WantedConsistency.NONE,
    )


HOSTILE = "web[1]* \"$(x)\" '{now}'"
OURS = {f".borg-cluster/{name}" for name in ("manifest.json", "inventory.json", "patterns", "RESTORE.txt")}
NIGHTLY = job("nightly", JobKind.VIRTUAL_MACHINES, Condition(highly_available=True))
WEEKLY = job("weekly", JobKind.VOLUMES)


@dataclass(slots=True, kw_only=True)
class Night:
    """A site whose nights are run in this process."""

    cluster: SimulatedCluster
    borg: BorgSite
    context: Context
    clock: direct.Clock
    events: list[Event]
    runs: int = 0

    def plan(self, *jobs: str) -> BackupPlan:
        """Plan a run of jobs (none: all)."""
        self.runs += 1
        inventory = discover.current_inventory(self.context)
        good = self.context.catalog.good_archives(self.context.policy.cluster)
        return plan_backup(inventory, self.context.policy, jobs=jobs, good=good, at=self.clock(), run_id=f"run-{self.runs}")

    def run(self, *jobs: str, plan: BackupPlan | None = None) -> CreateOutcome:
        """Run jobs, or a plan that was made before; ``events`` are those of this run."""
        self.events.clear()
        plan = plan or self.plan(*jobs)
        return create(self.context, plan, discover.current_inventory(self.context))

    def of(self, kind: type[E]) -> list[E]:
        """Return the last run's events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def finished(self) -> dict[str, str]:
        """Return the archives of the last run by the VM's or volume's name."""
        return {event.name: event.archive for event in self.of(ArchiveFinished)}

    def claims(self) -> list[Path]:
        """Return the claim files on all volumes."""
        folders = (self.cluster.volume_folder(name) for name in self.cluster.volume_names)
        return [claim for folder in folders for claim in folder.glob(".borg-cluster/claims/*")]

    def reconfigure(self, **changes: object) -> None:
        """Change keys of the configuration."""
        self.context = replace(self.context, policy=replace(self.context.policy, **changes))  # type: ignore[arg-type] # Policy's own keys


def small_cluster(folder: Path) -> SimulatedCluster:
    """Two volumes, two nodes, three VMs, one of them off and not highly available; a file of nobody's."""
    cluster = SimulatedCluster.create(folder, nodes=("node1", "node2"))
    small = DiskSpec(size=8 * MIB, content=MIB)
    cluster.add_vm(HOSTILE, node="node1", volume="Volume1", disks=(small, replace(small, volume="Volume2")))
    cluster.add_vm("NO", node="node1", volume="Volume2", disks=(small,), change_tracking=True)
    cluster.add_vm("legacy", node="node2", volume="Volume1", disks=(small,), highly_available=False, state="Off")
    cluster.write_file(story.STRAY, b"forgotten")
    return cluster


def open_night(cluster: SimulatedCluster, folder: Path) -> Iterator[Night]:
    borg = make_site(folder / "borg")
    events: list[Event] = []
    clock = direct.Clock()
    state = folder / "state"
    state.mkdir()
    with Catalog.open(state / "catalog.sqlite") as catalog:
        context = direct.context(cluster, catalog, state, events=events, clock=clock)
        policy = replace(context.policy, borg=borg.settings, repositories=(borg.repository,), jobs=(NIGHTLY, WEEKLY))
        yield Night(cluster=cluster, borg=borg, context=replace(context, policy=policy), clock=clock, events=events)


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    yield from open_night(small_cluster(tmp_path / "cluster"), tmp_path)


@pytest.fixture
def story_night(tmp_path: Path) -> Iterator[Night]:
    yield from open_night(story.build(tmp_path / "cluster"), tmp_path)


def paths(night: Night, archive: str) -> set[str]:
    """Return the files of an archive but for those about it."""
    return {item.path for item in night.borg.borg.list_files(archive) if item.kind == "-"} - OURS


def contents(night: Night, archive: str, folder: Path) -> dict[str, bytes]:
    """Return the files of an archive with their content."""
    folder.mkdir()
    night.borg.borg.extract(archive, (), folder)
    files = (path for path in folder.rglob("*") if path.is_file())
    return {name: path.read_bytes() for path in files if (name := str(path.relative_to(folder))) not in OURS}


def test_a_night_holds_every_file_once_as_it_is(story_night: Night, tmp_path: Path) -> None:
    night = story_night
    outcome = night.run()
    assert (outcome.done, outcome.failed) == (7, 0)
    stored: dict[str, list[str]] = {}
    for number, (name, archive) in enumerate(night.finished().items()):
        for path, content in contents(night, archive, tmp_path / str(number)).items():
            stored.setdefault(path, []).append(name)
            volume, _, inside = path.partition("/")
            assert content == (night.cluster.volume_folder(volume) / inside).read_bytes(), path
    there = {
        f"{volume}/{path.relative_to(night.cluster.volume_folder(volume))}"
        for volume in night.cluster.volume_names
        for path in night.cluster.volume_folder(volume).rglob("*")
        if path.is_file() and ".borg-cluster" not in path.parts and path.suffix not in {".rct", ".mrt", ".slp"}
    }
    assert set(stored) == there
    assert {path for path, names in stored.items() if len(names) > 1} == {"Volume2/ISO/installer.iso"}
    assert stored["Volume1/old exports/forgotten.bin"] == ["Volume1"]
    assert not night.borg.borg.list_archives("*.checkpoint")
    assert not list((night.context.state / "runs").rglob("*.jsonl"))
    assert night.claims() == []


def test_an_archive_carries_its_manifest_and_the_catalog_knows_it(night: Night) -> None:
    vm_id = night.cluster.find_vm(HOSTILE)
    night.cluster.edit_role(vm_id, lambda role: setattr(role, "description", "front end"))
    night.run("nightly")
    cluster = night.context.policy.cluster
    (recorded,) = night.context.catalog.archives(cluster, vm_id)
    assert recorded.archive == f"{cluster}-{vm_id}-2026-03-01T02:00:00Z"
    manifest = manifest_from_json(night.borg.borg.read_file(recorded.archive, ".borg-cluster/manifest.json"))
    assert manifest == night.context.catalog.manifest("main", recorded.archive)
    assert (manifest.name, manifest.run_id, manifest.consistency) == (HOSTILE, "run-1", Consistency.NONE)
    assert manifest.vm is not None
    assert manifest.vm["id"] == vm_id
    assert manifest.role_setting is not None
    assert manifest.role_setting["description"] == "front end"
    items = {item.path: item for item in night.borg.borg.list_files(recorded.archive)}
    assert {file.archive_path.partition("/")[0] for file in manifest.files} == {"Volume1", "Volume2"}
    assert {file.archive_path for file in manifest.files} == set(items) - OURS
    for file in manifest.files:
        assert (items[file.archive_path].size, items[file.archive_path].mtime_ns) == (file.size, file.mtime_ns)
    assert night.context.catalog.chunk_hashes("main", recorded.archive) == {
        file.archive_path: items[file.archive_path].chunk_hash for file in manifest.files
    }
    assert recorded.archive_id in {one.archive_id for one in night.borg.borg.list_archives("*")}
    inventory = json.loads(night.borg.borg.read_file(recorded.archive, ".borg-cluster/inventory.json"))
    assert len(inventory["virtual_machines"]) == 3


def test_a_weekly_run_leaves_out_what_the_nights_hold_and_no_more(night: Night) -> None:
    night.run("nightly")
    night.clock.advance(20 * 3600)
    night.run("weekly")
    assert [event.subject for event in night.of(Noted)] == [night.cluster.find_vm("legacy")]
    assert not night.of(Warned)
    held = paths(night, night.finished()["Volume1"])
    assert "Volume1/old exports/forgotten.bin" in held
    assert {path.split("/")[1] for path in held} == {"old exports", "legacy"}
    assert not any(path.endswith((".rct", ".mrt")) for path in paths(night, night.finished()["Volume2"]))
    night.clock.advance(20 * 3600)
    assert len(night.plan("weekly").uncovered) == 3


def test_a_vm_that_migrates_after_planning_is_followed(night: Night) -> None:
    plan = night.plan("nightly")
    inventory = discover.current_inventory(night.context)
    vm_id = night.cluster.find_vm(HOSTILE)
    night.cluster.migrate(vm_id, "node2")
    outcome = create(night.context, plan, inventory)
    assert (outcome.done, outcome.failed) == (2, 0)
    assert night.of(Followed) == [Followed(subject=vm_id, name=HOSTILE, was="node1", now="node2")]
    manifest = night.context.catalog.manifest("main", night.finished()[HOSTILE])
    assert manifest is not None
    assert manifest.node == "node2"


def test_a_vm_that_becomes_highly_available_after_planning_is_archived_as_such(night: Night) -> None:
    night.reconfigure(jobs=(job("all", JobKind.VIRTUAL_MACHINES),))
    plan = night.plan()
    legacy = night.cluster.find_vm("legacy")
    night.cluster.make_highly_available(legacy)
    assert night.run(plan=plan) == CreateOutcome(done=3, failed=0, warnings=0)
    manifest = night.context.catalog.manifest("main", night.finished()["legacy"])
    assert manifest is not None
    assert manifest.highly_available
    assert manifest.role_setting is not None


def test_a_vm_with_a_new_checkpoint_is_planned_anew(night: Night) -> None:
    plan = night.plan("nightly")
    inventory = discover.current_inventory(night.context)
    night.cluster.take_checkpoint(night.cluster.find_vm("NO"), "before update")
    outcome = create(night.context, plan, inventory)
    assert (outcome.done, outcome.failed) == (2, 0)
    assert night.of(Followed) == []
    assert any(path.endswith(".avhdx") for path in paths(night, night.finished()["NO"]))


def test_a_vm_that_is_gone_fails_alone(night: Night) -> None:
    plan = night.plan("nightly")
    inventory = discover.current_inventory(night.context)
    night.cluster.destroy(night.cluster.find_vm("NO"))
    outcome = create(night.context, plan, inventory)
    assert (outcome.done, outcome.failed) == (1, 1)
    assert "gone from the cluster" in night.of(ArchiveFailed)[0].reason


@pytest.mark.impossible
def test_one_vm_that_fails_stops_no_other_and_stays_in_the_volume(night: Night) -> None:
    plan = night.plan()
    vm_id = night.cluster.find_vm(HOSTILE)
    (planned,) = [archive for archive in plan.archives if archive.subject == vm_id]
    (disk, *_) = [Path(file.local_path) for file in planned.files if file.file.kind == "disk"]
    lost = disk.rename(disk.with_suffix(".elsewhere"))
    outcome = night.run(plan=plan)
    assert (outcome.done, outcome.failed) == (3, 1)
    (failed,) = night.of(ArchiveFailed)
    assert str(disk) in failed.reason
    assert not failed.refused
    assert any(event.message == "holds the files of 1 VM whose own archive failed" for event in night.of(Warned))
    held = paths(night, night.finished()["Volume1"])
    assert any(path.endswith(lost.name) for path in held)
    assert any(path.lower().endswith(f"{vm_id}.vmcx") for path in held)


def test_a_claimed_vm_is_refused_and_names_the_holder(night: Night) -> None:
    vm_id = night.cluster.find_vm("NO")
    folder = f"{night.cluster.volume_path('Volume2')}\\.borg-cluster"
    claim_id = "00000000-0000-0000-0000-000000000001"
    night.context.bridge.new_claim("node1", vm_id=vm_id, folder=folder, claim_id=claim_id, holder="alice", purpose="restore")
    outcome = night.run("nightly")
    assert (outcome.done, outcome.failed) == (1, 1)
    (failed,) = night.of(ArchiveFailed)
    assert failed.refused
    assert "claimed by alice for restore" in failed.reason
    assert [claim.name for claim in night.claims()] == [f"{vm_id}.json"]


def test_what_a_dead_run_left_is_removed_once_a_better_archive_stands(night: Night) -> None:
    vm_id = night.cluster.find_vm("NO")
    cluster = night.context.policy.cluster
    folder = f"{night.cluster.volume_path('Volume2')}\\.borg-cluster"
    claim = HeldClaim(vm_id=vm_id, folder=folder, claim_id="00000000-0000-0000-0000-000000000002", node="node1")
    night.context.bridge.new_claim(
        "node1", vm_id=vm_id, folder=folder, claim_id=claim.claim_id, holder="a dead run", purpose="backup"
    )
    left = f"{cluster}-{vm_id}-2026-02-28T02:00:00Z.checkpoint"
    foreign = f"{cluster}-{vm_id}-2026-02-27T02:00:00Z.checkpoint"
    for archive in (left, foreign):
        half = write(night.borg.folder / "half")
        night.borg.borg.create(archive, comment="", options=CreateOptions(), paths=(str(half),))
    dead = RunRecord.begin(night.context.state, cluster=cluster, run_id="dead")
    dead.add_claim(claim)
    dead.add_unfinished(Unfinished(repository="main", subject=vm_id, archive=left))
    dead.add_unfinished(Unfinished(repository="main", subject=vm_id, archive="rolled-back.checkpoint"))
    dead.close()
    outcome = night.run("nightly")
    assert (outcome.done, outcome.failed) == (2, 0)
    assert [archive.name for archive in night.borg.borg.list_archives("*.checkpoint")] == [foreign]
    assert not list((night.context.state / "runs").rglob("*.jsonl"))


def test_the_same_job_is_refused_while_it_runs(night: Night) -> None:
    plan = night.plan("nightly")
    with (
        job_lock(night.context.state, cluster=plan.cluster, job="nightly", since="2026-03-01T01:00:00Z"),
        pytest.raises(AlreadyRunning, match=rf"pid {os.getpid()}, since 2026-03-01T01:00:00Z"),
    ):
        night.run(plan=plan)
    assert not night.of(ArchiveStarted)


def test_a_missing_repository_is_refused_before_anything(night: Night) -> None:
    night.reconfigure(repositories=(replace(night.borg.repository, path="/nowhere/at/all"),))
    with pytest.raises(RepositoryRefused):
        night.run()
    assert not night.of(ArchiveStarted)
    assert night.claims() == []


def test_a_gate_may_veto(night: Night) -> None:
    class Gate:
        @hookimpl
        def before_create(self, plan: BackupPlan) -> None:
            raise Veto(f"not now: {len(plan.archives)}")

    night.context.plugins.register(Gate(), name="gate")
    with pytest.raises(Vetoed, match="not now: 4"):
        night.run()


def test_a_plugin_may_say_where_files_are_read(night: Night, tmp_path: Path) -> None:
    copies = tmp_path / "snapshot"

    class Snapshots:
        @hookimpl
        def open_source(self, archive: PlannedArchive, owner: Callable[[], str | None]) -> AbstractContextManager[PlannedArchive]:
            assert owner() == "node1"
            files = []
            for number, file in enumerate(archive.files):
                copy = copies / str(number) / Path(file.local_path).name
                write(copy, b"frozen")
                files.append(replace(file, local_path=str(copy)))
            return nullcontext(replace(archive, files=tuple(files), consistency=Consistency.CRASH))

    night.context.plugins.register(Snapshots(), name="snapshots")
    plan = night.plan("nightly")
    assert night.run(plan=plan).failed == 0
    assert {event.consistency for event in night.of(ArchiveFinished)} == {"crash"}
    (planned,) = [archive for archive in plan.archives if archive.name == "NO"]
    assert paths(night, night.finished()["NO"]) == {file.file.archive_path for file in planned.files}
    path = planned.files[0].file.archive_path
    assert night.borg.borg.read_file(night.finished()["NO"], path) == b"frozen"


def in_a_child(call: Call) -> Ended:
    """Run borg as an engine's worker would, with nothing but what the call says."""
    with passphrase_pipe(call.passphrase) as pipe:
        told = {} if pipe is None else {"BORG_PASSPHRASE_FD": str(pipe)}
        done = subprocess.run(
            call.arguments,
            input=call.stdin,
            env={**call.environment, **told},
            pass_fds=() if pipe is None else (pipe,),
            capture_output=True,
            check=False,
        )
    return Ended(return_code=done.returncode, stdout=done.stdout, stderr=done.stderr)


def test_a_plugin_may_run_what_makes_the_archives(night: Night) -> None:
    ran: list[str] = []

    class Engine:
        @hookimpl
        def run_job(self, archive: PlannedArchive, call: Call, alive: Callable[[int], None]) -> Ended | None:
            if archive.name == "NO":
                return None
            alive(0)
            ran.append(archive.name)
            return in_a_child(call)

    night.context.plugins.register(Engine(), name="engine")
    plan = night.plan()
    assert night.run(plan=plan).failed == 0
    assert sorted(ran) == sorted(archive.name for archive in plan.archives if archive.name != "NO")
    assert not [warning for event in night.of(ArchiveFinished) for warning in event.warnings if "plugin" in warning]
    for planned in plan.archives:
        assert {file.file.archive_path for file in planned.files} <= paths(night, night.finished()[planned.name])
    assert not night.borg.borg.list_archives("*.checkpoint")


def done_in_words(_: Call) -> Ended:
    """Say what borg would of an archive, and make none."""
    stats = {"original_size": 1, "deduplicated_size": 1}
    answer = {"archive": {"id": "0" * 64, "stats": stats, "duration": 1.0}}
    return Ended(return_code=0, stdout=json.dumps(answer).encode(), stderr=b"")


def done_by_half(call: Call) -> Ended:
    """Leave out one of the files."""
    return in_a_child(replace(call, stdin=call.stdin.partition(b"\0")[2]))


def nonsense(_: Call) -> Ended:
    return Ended(return_code=0, stdout=b"done", stderr=b"")


def refused(call: Call) -> Ended:
    return in_a_child(replace(call, arguments=(*call.arguments, "--no-such-option")))


@pytest.mark.parametrize(
    ("worker", "reason"),
    [
        (done_in_words, "does not exist"),
        (done_by_half, " is missing"),
        (refused, "plugin engine had it made, which does not hold: borg: "),
        (nonsense, "what should be borg's answer is none"),
    ],
)
def test_who_says_falsely_that_it_is_done_is_found_out(night: Night, worker: Callable[[Call], Ended], reason: str) -> None:
    class Engine:
        @hookimpl
        def run_job(self, call: Call) -> Ended:
            return worker(call)

    night.context.plugins.register(Engine(), name="engine")
    plan = night.plan("nightly")
    assert night.run(plan=plan).failed == 0
    assert len(night.finished()) == len(plan.archives)
    for event in night.of(ArchiveFinished):
        (warning,) = [one for one in event.warnings if one.startswith("made by this process: plugin engine had it made")]
        assert reason in warning
    for planned in plan.archives:
        assert paths(night, night.finished()[planned.name]) == {file.file.archive_path for file in planned.files}
    assert not night.borg.borg.list_archives("*.checkpoint")
    assert not list((night.context.state / "runs").rglob("*.jsonl"))


def test_commands_run_around_each_scope_with_all_they_need(night: Night, tmp_path: Path) -> None:
    log = tmp_path / "log"
    line = f'printf "%s|" "$BORG_CLUSTER_SCOPE" "$BORG_CLUSTER_STATE" "$BORG_CLUSTER_VM" >> {log}; echo >> {log}'
    skip = 'test "$BORG_CLUSTER_VM" != "NO" || exit 75'
    scopes = ("configuration", "cluster", "action", "repository", "vm", "volume")
    hooks = [
        CommandHook(moment=moment, scope=scope, when=("create",), states=(), run=(line,))
        for scope in scopes
        for moment in ("before", "after")
    ]
    hooks.append(CommandHook(moment="before", scope="vm", when=(), states=(), run=(skip,)))
    hooks.append(CommandHook(moment="before", scope="action", when=("extract",), states=(), run=("exit 1",)))
    night.reconfigure(commands=tuple(hooks))
    outcome = night.run("nightly")
    assert (outcome.done, outcome.failed) == (1, 0)
    lines = log.read_text(encoding="utf-8").splitlines()
    assert lines[:4] == [f"{scope}|||" for scope in scopes[:4]]
    assert lines[4:-4] == ["vm||NO|", f"vm||{HOSTILE}|", f"vm|finish|{HOSTILE}|"]
    assert lines[-4:] == [f"{scope}|finish||" for scope in reversed(scopes[:4])]
    assert len(night.of(CommandHookRan)) == 13


def test_a_command_that_fails_before_the_action_refuses_the_run(night: Night) -> None:
    night.reconfigure(commands=(CommandHook(moment="before", scope="action", when=(), states=(), run=("exit 3",)),))
    with pytest.raises(Refused, match="ended with 3: exit 3"):
        night.run()
    assert not night.of(ArchiveStarted)


def test_a_vm_that_is_off_is_offline(night: Night) -> None:
    night.reconfigure(jobs=(job("all", JobKind.VIRTUAL_MACHINES, Condition(name="LEG*")),))
    night.run()
    (finished,) = night.of(ArchiveFinished)
    assert (finished.consistency, finished.warnings) == ("offline", ())


def grow_when_begun(night: Night, name: str) -> None:
    """Let a VM's disks grow between the look at them and their reading."""
    tell = night.context.emit

    def emit(event: Event) -> None:
        tell(event)
        if isinstance(event, ArchiveStarted) and event.name == name:
            (planned,) = [archive for archive in night.plan().archives if archive.name == name]
            for file in planned.files:
                if file.file.kind == "disk":
                    with Path(file.local_path).open("ab") as disk:
                        disk.write(b"grown")

    night.context = replace(night.context, emit=emit)


@pytest.mark.impossible
def test_a_live_disk_that_grows_is_a_warning(night: Night) -> None:
    grow_when_begun(night, "NO")
    assert night.run("nightly").failed == 0
    (finished,) = [event for event in night.of(ArchiveFinished) if event.name == "NO"]
    assert any("bytes instead of" in warning for warning in finished.warnings)


def test_a_disk_at_rest_that_grows_fails_and_its_archive_keeps_no_name(night: Night) -> None:
    night.reconfigure(jobs=(job("all", JobKind.VIRTUAL_MACHINES, Condition(name="legacy")),))
    quiet = night.context
    grow_when_begun(night, "legacy")
    assert night.run().failed == 1
    assert "bytes instead of" in night.of(ArchiveFailed)[0].reason
    assert [archive.name.endswith(".checkpoint") for archive in night.borg.borg.list_archives()] == [True]
    assert night.context.catalog.archives(night.context.policy.cluster) == ()
    night.context = quiet
    assert night.run().failed == 0, "in the same second of the clock"
    assert [archive.name.endswith(".checkpoint") for archive in night.borg.borg.list_archives()] == [False]


def test_a_mount_under_another_name_and_case_keeps_the_archive_paths(night: Night, tmp_path: Path) -> None:
    plain = night.plan()
    expected = {one.name: {file.file.archive_path for file in one.files} for one in plain.archives if one.files}
    elsewhere = tmp_path / "mnt" / "odd name [1]"
    elsewhere.parent.mkdir()
    elsewhere.symlink_to(night.cluster.volume_folder("Volume1"))
    mounts = tuple(
        replace(mount, path=str(elsewhere), windows=mount.windows.upper()) if mount.name == "Volume1" else mount
        for mount in night.context.policy.mounts
    )
    night.reconfigure(mounts=mounts)
    outcome = night.run()
    assert (outcome.done, outcome.failed) == (4, 0)
    stored = {name: paths(night, archive) for name, archive in night.finished().items()}
    assert {path for path in stored.pop("Volume1") if "legacy" not in path} == {"Volume1/old exports/forgotten.bin"}
    assert stored["NO"] == expected["NO"]
    assert stored[HOSTILE] == expected[HOSTILE]


@pytest.mark.impossible  # a VM's configuration vanishes, as only a share that goes away lets it
def test_a_file_that_borg_only_warns_of_fails_its_vm_alone(night: Night) -> None:
    """Borg ends with 107 and keeps the archive: it is judged by its files, not by the code."""
    night.reconfigure(jobs=(job("all", JobKind.VIRTUAL_MACHINES),))
    tell = night.context.emit

    def emit(event: Event) -> None:
        tell(event)
        if isinstance(event, ArchiveStarted) and event.name == "legacy":
            for file in night.cluster.volume_folder("Volume1").rglob("*.vmgs"):
                if "legacy" in str(file):
                    file.unlink(missing_ok=True)

    night.context = replace(night.context, emit=emit)
    outcome = night.run()
    assert (outcome.done, outcome.failed) == (2, 1), night.events
    (failed,) = night.of(ArchiveFailed)
    assert failed.name == "legacy"
    assert ".vmgs is missing" in failed.reason
    assert "No such file" in failed.reason, "borg's own reason"
    names = {archive.name for archive in night.borg.borg.list_archives()}
    assert {name.endswith(".checkpoint") for name in names if night.cluster.find_vm("legacy") in name} == {True}
    assert night.finished().keys() == {HOSTILE, "NO"}
