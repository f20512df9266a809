"""Plans and patterns of a small site, kept as text to review."""

import json
from dataclasses import asdict

from borg_cluster.core.archive import ArchiveKind
from borg_cluster.core.backup_plan import BackupPlan, plan_backup
from borg_cluster.core.inventory import FileKind
from borg_cluster.core.pattern import volume_patterns
from borg_cluster.core.policy import Condition, JobKind
from tests.golden.golden import check
from tests.plan_strategies import AT, MOUNTS, good_archive, inventory, job, machine, owned, policy

V1, V2 = r"C:\ClusterStorage\Volume1", r"C:\ClusterStorage\Volume2"
GOLDEN = owned(rf"{V1}\golden\base.vhdx", kind=FileKind.PARENT_DISK)
ISO = owned(rf"{V2}\ISO\installer.iso")
MACHINES = (
    machine(
        1,
        "web[1]*",
        (GOLDEN, ISO, owned(rf"{V1}\web[1]_\web.vhdx"), owned(rf"{V1}\web[1]_\x.vmcx"), owned(rf"{V1}\web[1]_\web.vhdx.rct")),
    ),
    machine(2, "NO", (GOLDEN, ISO, owned(rf"{V2}\NO\no.vhdx"), owned(rf"{V2}\NO\x.vmcx")), state="Saved"),
    machine(3, "O'Brien's \"$(x)\"", (owned(f"{V2}\\two\nlines\\o.vhdx"), owned(rf"{V2}\ lead \x.slp")), state="OffCritical"),
    machine(4, "old", (owned(rf"{V1}\old\old.vhdx"), owned(rf"{V1}\old\old.mrt")), highly_available=False),
    machine(5, "stale", (owned(rf"{V1}\stale\stale.vhdx"),), highly_available=False, tags=("nobackup",)),
)
NIGHTLY = job("nightly", include=(Condition(highly_available=True),), exclude=(Condition(tag="nobackup"),))
POLICY = policy(NIGHTLY, job("weekly", JobKind.VOLUMES), mounts=MOUNTS[:2])
GOOD = (good_archive(MACHINES[3], hours=20), good_archive(MACHINES[4], hours=50))


def plan(*jobs: str) -> BackupPlan:
    return plan_backup(inventory(*MACHINES), POLICY, jobs=jobs, good=GOOD, at=AT, run_id="00000000-run")


def as_text(made: BackupPlan) -> str:
    return json.dumps(asdict(made), indent=1, ensure_ascii=False) + "\n"


def test_a_night_of_everything() -> None:
    check("plans/everything.json", as_text(plan()))


def test_a_night_of_volumes_alone() -> None:
    check("plans/volumes-alone.json", as_text(plan("weekly")))


def test_patterns_of_both() -> None:
    lines = []
    for name, made in (("everything", plan()), ("volumes alone", plan("weekly"))):
        for archive in made.archives:
            if archive.kind is ArchiveKind.VOLUME:
                lines += [f"# {name}: {archive.name}", *volume_patterns(archive), ""]
    check("patterns/volumes.txt", "\n".join(lines))
