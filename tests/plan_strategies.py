"""Strategies for plans: small inventories whose VMs share disks and volumes, with policies and catalogs that nearly fit them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from borg_cluster.core.inventory import (
    FileKind,
    Finding,
    FindingCode,
    Inventory,
    OwnedFile,
    Severity,
    VirtualMachine,
)
from borg_cluster.core.planned import GoodArchive
from borg_cluster.core.policy import (
    BorgSettings,
    Condition,
    Job,
    JobKind,
    Mount,
    Policy,
    RemotingSettings,
    Repository,
    Selection,
    locate,
)
from borg_cluster.core.report import Disk, DiskFile

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
NAMES = (
    "web[1]*",
    'it\'s "q"',
    "two\nlines",
    "$(x)",
    "NO",
    "é",
    "a" * 100,
    "web01",
    "WEB01",
    "#",
    "..",
    "-x",
    "{now}",
    "pf:+ *",
    "",
)
MOUNTS = (
    Mount(windows=r"C:\ClusterStorage\Volume1", path="/mnt/hv/Volume1", name="Volume1", node=None, writable=True),
    Mount(windows=r"C:\ClusterStorage\Volume2", path="/mnt/x/", name="Volume 2 {}", node=None, writable=True),
    Mount(windows=r"\\files\vms", path="/mnt/hv/Volume1", name="vms", node=None, writable=True),
    Mount(windows=r"C:\ClusterStorage\Volume1\sub", path="/mnt/hv/Volume1/sub", name="sub", node=None, writable=True),
    Mount(windows="D:\\", path="/mnt/node1", name="node1-d", node="node1", writable=True),
)
FOLDERS = (
    r"C:\ClusterStorage\Volume1\a",
    r"c:\CLUSTERSTORAGE\volume1\A",
    r"C:\ClusterStorage\Volume1\sub\b",
    r"C:\ClusterStorage\Volume2",
    r"\\files\vms\a",
    r"D:\vms",
)
LEAVES = ("disk.vhdx", "DISK.VHDX", "two\nlines.vhdx", " lead.vmcx", "x.rct", "installer.iso", "x.slp")
KINDS = {".vmcx": FileKind.CONFIGURATION, ".vmgs": FileKind.GUEST_STATE, ".rct": FileKind.CHANGE_TRACKING}
KINDS |= {".slp": FileKind.SMART_PAGING, ".iso": FileKind.ISO}
BORG = BorgSettings(
    executable="borg",
    passphrase=None,
    passcommand=None,
    lock_wait=1,
    umask=0o077,
    ssh_command=None,
    base_directory=None,
    upload_rate_limit=None,
)
REMOTING = RemotingSettings(
    auth="ntlm",
    username=None,
    password=None,
    port=5986,
    ca=None,
    configuration_name="BorgCluster",
    bootstrap=False,
    addresses={},
    connection_timeout=1,
    read_timeout=1,
    operation_timeout=1,
    deadline=1,
    nodes_at_once=1,
)


def vm_id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012d}"


def owned(path: str, *, exists: bool | None = True, kind: FileKind | None = None) -> OwnedFile:
    """Return a VM's file; its kind by its extension unless told."""
    extension = path[path.rfind(".") :].lower()
    found = kind or KINDS.get(extension, FileKind.DISK)
    read_only = found in {FileKind.ISO, FileKind.PARENT_DISK}
    return OwnedFile(
        path=path,
        kind=found,
        size=4096,
        modified=None,
        exists=exists,
        read_only=read_only,
        identifier=None,
        sources=frozenset({"hyperv"}),
    )


def disk(path: str, **changes: Any) -> Disk:
    """Return a disk with a chain of one file."""
    file = DiskFile(
        path=path,
        format="VHDX",
        type="Dynamic",
        file_size=4096,
        size=1 << 30,
        block_size=1 << 20,
        logical_sector_size=512,
        identifier=None,
        parent_path=None,
        modified=None,
        exists=changes.pop("exists", True),
    )
    fields: dict[str, Any] = {"path": path, "disk_number": None, "shared": False, "chain": (file,), "chain_error": None}
    return Disk(controller_type="SCSI", controller_number=0, controller_location=0, **(fields | changes))


def machine(number: int, name: str, files: tuple[OwnedFile, ...] = (), **changes: Any) -> VirtualMachine:
    """Return a running, highly available VM on node1; ``changes`` are VirtualMachine's fields."""
    fields: dict[str, Any] = {
        "node": "node1",
        "nodes": ("node1",),
        "highly_available": True,
        "role": None,
        "resources": (),
        "state": "Running",
        "operational_status": (),
        "generation": 2,
        "version": "10.0",
        "path": None,
        "configuration_path": None,
        "notes": "",
        "tags": (),
        "disks": (),
        "checkpoints": (),
        "network_adapters": (),
    }
    return VirtualMachine(id=vm_id(number), name=name, files=files, **(fields | changes))


def inventory(*machines: VirtualMachine, findings: tuple[Finding, ...] = ()) -> Inventory:
    """Return an inventory of these VMs."""
    return Inventory(
        cluster="hv.example.test",
        cluster_id=None,
        taken_at="2026-11-22T01:59:00Z",
        core_owner="node1",
        functional_level=None,
        nodes=(),
        volumes=(),
        clustered_disks=(),
        virtual_machines=machines,
        unanswered=(),
        findings=findings,
    )


def job(name: str, kind: JobKind = JobKind.VIRTUAL_MACHINES, **changes: Any) -> Job:
    """Return a job that wants everything; ``changes`` are Job's fields, or include and exclude."""
    selection = Selection(include=changes.pop("include", ()), exclude=changes.pop("exclude", ()))
    fields: dict[str, Any] = {"repository": "main", "volumes": (), "max_age": 26 * 3600, "compression": None}
    fields |= {"chunker_params": None, "extra_borg_options": ()}
    return Job(name=name, kind=kind, select=selection, **(fields | changes))


def policy(*jobs: Job, mounts: tuple[Mount, ...] = MOUNTS, archive_name_format: str = "{cluster}-{subject}-{now}") -> Policy:
    """Return a configuration with these jobs."""
    return Policy(
        cluster="hv.example.test",
        seeds=(),
        domain=None,
        remoting=REMOTING,
        mounts=mounts,
        repositories=(Repository(path="/srv/borg", label="main"),),
        borg=BORG,
        discovery_max_age=900,
        archive_name_format=archive_name_format,
        jobs=jobs,
        commands=(),
        keep_parked=True,
        stop_action="save",
    )


def good_archive(vm: VirtualMachine, *, hours: float, job: str = "nightly", less: int = 0) -> GoodArchive:
    """Return an archive of a VM that holds its files but the last ``less`` of them."""
    found = (locate(file.path, MOUNTS, node=vm.node) for file in vm.files)
    paths = tuple(place.archive_path.swapcase() for place in found if place is not None)
    return GoodArchive(
        vm_id=vm.id,
        archive=f"old-{vm.id}",
        created_at=(AT - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        job=job,
        archive_paths=paths[: len(paths) - less],
    )


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """Return a strategy that seldom draws what makes a VM be refused, or else nothing would ever be planned."""
    return st.sampled_from((*[usual] * 6 * len(others), *others))


@st.composite
def machines(draw: st.DrawFn) -> tuple[VirtualMachine, ...]:
    """VMs that meet on few files, under several spellings."""
    made = []
    for number in range(draw(st.integers(0, 4))):
        places = draw(st.sets(st.tuples(st.sampled_from(FOLDERS), st.sampled_from(LEAVES)), max_size=4))
        paths = sorted(f"{folder}\\{leaf}" for folder, leaf in places)
        files = {path.lower(): owned(path, exists=draw(mostly(True, None, False))) for path in paths}
        if draw(mostly(None, r"E:\nowhere\x.vhdx")):
            files["e:"] = owned(r"E:\nowhere\x.vhdx")
        node = draw(mostly("node1", "node2.example.test", None))
        made.append(
            machine(
                number,
                draw(st.sampled_from(NAMES)),
                tuple(files.values()),
                node=node,
                nodes=() if node is None else (node,),
                state=draw(mostly("Running", "Off", "Saved", "RunningCritical", None)),
                highly_available=draw(st.booleans()),
                tags=draw(st.sampled_from(((), ("nobackup",)))),
                disks=draw(mostly((), (disk("C:\\x.vhdx"),), (disk("C:\\x.vhdx", shared=True),))),
            )
        )
    return tuple(made)


CONDITIONS = st.sampled_from(
    (
        Condition(name="web*"),
        Condition(name="WEB[1]*"),
        Condition(highly_available=True),
        Condition(tag="#nobackup"),
        Condition(node="NODE?"),
        Condition(volume="volume1"),
        Condition(id=f"{{{vm_id(1).upper()}}}"),
    )
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Configurations with jobs of both kinds that overlap."""
    jobs = []
    for number in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from((JobKind.VIRTUAL_MACHINES, JobKind.VOLUMES)))  # discovery makes no archives
        include = tuple(draw(st.lists(CONDITIONS, max_size=2)))
        exclude = tuple(draw(st.lists(CONDITIONS, max_size=1)))
        volumes = tuple(draw(st.lists(st.sampled_from(("Volume*", "sub", "vms", "node1-d", "nothing")), max_size=2)))
        jobs.append(job(("nightly", "weekly", "third", "4")[number], kind, include=include, exclude=exclude, volumes=volumes))
    mounts = draw(st.permutations(MOUNTS))
    return policy(*jobs, mounts=tuple(mounts[: draw(st.integers(1, len(mounts)))]))


@st.composite
def runs(draw: st.DrawFn) -> tuple[Inventory, Policy, tuple[GoodArchive, ...], tuple[str, ...]]:
    """All that a plan is made of, and the jobs to run."""
    vms = draw(machines())
    made = draw(policies())
    good = tuple(
        good_archive(vm, hours=draw(st.sampled_from((-9, 1, 25, 27))), less=draw(st.integers(0, 1)) if vm.files else 0)
        for vm in vms
        if draw(st.booleans())
    )
    findings = tuple(
        Finding(code=FindingCode.CHECKPOINT_ORPHANED, severity=Severity.ERROR, subject=vm.id, message="an orphan")
        for vm in vms
        if draw(st.integers(0, 9)) == 0
    )
    jobs = tuple(draw(st.lists(st.sampled_from([job.name for job in made.jobs]), unique=True)))
    return inventory(*vms, findings=findings), made, good, jobs
