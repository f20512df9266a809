"""Everything that the simulated world is made of. The whole of it is saved as JSON at each change."""

from dataclasses import dataclass, field

from borg_cluster.simulator.definition import Definition
from borg_cluster.simulator.switches import Switches

VM_RESOURCE = "Virtual Machine"
CONFIGURATION_RESOURCE = "Virtual Machine Configuration"
IN_SERVICE, MERGING = 11, 32772
"""Operational status codes: something is done to the VM, and that its disks are being merged."""
HYPER_V_WRITER = "66841cd4-6ded-4f4b-8f17-fd23f8ddc3de"
CSV_WRITER = "1072ae1c-e5a7-4ea1-9e4a-6f7964656570"


@dataclass(slots=True, kw_only=True)
class Writer:
    """A VSS writer of a node."""

    writer_id: str
    state: int | None = 1
    failure_code: str | None = "0x00000000"


def _writers() -> list[Writer]:
    return [Writer(writer_id=HYPER_V_WRITER), Writer(writer_id=CSV_WRITER)]


@dataclass(slots=True, kw_only=True)
class Node:
    """A node. ``answers`` False: nothing on the network; ``clussvc`` and ``vmms`` are its two services."""

    name: str
    state: str = "Up"
    status_information: list[str] = field(default_factory=list)
    drain_status: str = "NotInitiated"
    build: str = "10.0.20348"
    module_version: str = "0.1.0"
    answers: bool = True
    clussvc: bool = True
    vmms: bool = True
    switches: list[str] = field(default_factory=lambda: ["Production"])
    memory: int = 1 << 40
    """Bytes that its VMs may have together."""
    newest_version: str = "10.0"
    """The newest VM configuration version that it can run."""
    writers: list[Writer] = field(default_factory=_writers)
    identity: str = "WinRM Virtual Users\\WinRM VA_1_EXAMPLE_backup"
    """Whom the endpoint runs its commands as."""
    denied: list[str] = field(default_factory=list)
    """Rights that it lacks: commands that need one of them are refused."""
    unknown_rights: list[str] = field(default_factory=list)
    """Rights of which it can't be found out whether they hold."""


@dataclass(slots=True, kw_only=True)
class Range:
    """A range of a virtual disk, in bytes."""

    offset: int
    length: int


@dataclass(slots=True, kw_only=True)
class Mark:
    """A cut in a disk's change tracking, and what was written from there to the next one."""

    rct_id: str
    ranges: list[Range] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class TrackedDisk:
    """The change tracking of a VM's disk. It belongs to the base file: another file in its place knows nothing of it."""

    vm_id: str
    controller_type: str
    controller_number: int
    controller_location: int
    key: str
    """Of the base file (see ``Places.key``)."""
    inode: int
    marks: list[Mark] = field(default_factory=list)

    @property
    def position(self) -> tuple[str, int, int]:
        """The disk's identity inside its VM."""
        return (self.controller_type, self.controller_number, self.controller_location)


@dataclass(slots=True, kw_only=True)
class Access:
    """How a node reaches a volume."""

    node: str
    state: str = "Direct"
    file_system_reason: str | None = None
    block_reason: str | None = None


BOUNDLESS = 1 << 40
"""The size of a volume that has room for whatever is written."""


@dataclass(slots=True, kw_only=True)
class Volume:
    """A Cluster Shared Volume; ``folder`` is its name below the cluster's folder of volumes."""

    id: str
    name: str
    folder: str
    owner_node: str
    partition: str
    state: str = "Online"
    file_system: str = "CSVFS"
    size: int = BOUNDLESS
    access: list[Access] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Windows' path of it."""
        return f"C:\\ClusterStorage\\{self.folder}"


@dataclass(slots=True, kw_only=True)
class ClusteredDisk:
    """A clustered disk that is no CSV; it is mounted on the owner of its role only."""

    id: str
    name: str
    role_id: str
    paths: list[str]
    state: str = "Online"


@dataclass(slots=True, kw_only=True)
class ClusterRole:
    """A cluster group. Its state is derived from its members; ``empty_state`` is what it is without any."""

    id: str
    name: str
    group_type: str
    owner_node: str
    description: str = ""
    status_information: list[str] = field(default_factory=list)
    empty_state: str = "Offline"
    properties: dict[str, int | str | None] = field(default_factory=dict)
    preferred_owners: list[str] = field(default_factory=list)
    anti_affinity_class_names: list[str] = field(default_factory=list)
    group_sets: list[str] = field(default_factory=list)
    affinity_rules: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Resource:
    """One of the two resources of a clustered VM."""

    id: str
    name: str
    resource_type: str
    role_id: str
    vm_id: str
    state: str = "Offline"
    vm_store_root_path: str | None = None
    shared_volumes: list[str] = field(default_factory=list)
    parameters: dict[str, int | str | None] = field(default_factory=dict)
    properties: dict[str, int | None] = field(default_factory=dict)
    possible_owners: list[str] = field(default_factory=list)
    extra_dependencies: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Held:
    """A file as the VM that holds it open knows it."""

    inode: int
    size: int
    modified_ns: int
    running: bool
    """Held by a running VM; otherwise by the management service, because the VM is registered."""


@dataclass(slots=True, kw_only=True)
class Migration:
    """A live migration under way; phases: setup, transfer, blackout."""

    destination: str
    phase: str = "setup"


@dataclass(slots=True, kw_only=True)
class Machine:
    """A VM as it is registered on one node."""

    id: str
    node: str
    configuration_path: str
    definition: Definition
    state: str = "Off"
    operational_status: list[int] = field(default_factory=lambda: [2])
    is_clustered: bool | None = False
    flag_left: int = 0
    """Not 0: ``is_clustered`` follows the role after so many further commands."""
    heartbeat: str | None = None
    started_at: str | None = None
    starts_with_node: bool = False
    """Its node is down, and starts it by itself once it's up."""
    migration: Migration | None = None
    held: dict[str, Held] = field(default_factory=dict)
    """By key of the path (see ``Places.key``)."""

    def shown_status(self) -> list[int]:
        """Return Msvm_ComputerSystem.OperationalStatus: an operation of its own first, then a merge of its disks."""
        busy = len(self.operational_status) > 1
        return self.operational_status if busy or not self.definition.merging() else [IN_SERVICE, MERGING]

    @property
    def home(self) -> str:
        """The folder that holds 'Virtual Machines' with its configuration."""
        return self.configuration_path.rsplit("\\", 2)[0]


@dataclass(slots=True, kw_only=True)
class Reappearing:
    """A VM that its node lists again after some further commands, because its role was removed while it was offline."""

    vm_id: str
    node: str
    configuration_path: str
    commands_left: int


@dataclass(slots=True, kw_only=True)
class Operation:
    """A start or stop that takes its time. ``ends_at`` None: never."""

    vm_id: str
    kind: str
    """start or stop."""
    ends_at: str | None
    action: str = ""
    """TurnOff, Save or Shutdown, of a stop."""
    node: str | None = None
    """Where the VM is stopped or started through Hyper-V; None: through its role."""


@dataclass(slots=True, kw_only=True)
class Grant:
    """The VMs whose accounts may open a file; another file at the same path doesn't have them."""

    inode: int
    vm_ids: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Owed:
    """A VM that must always be startable, on which node it was last, and where its configuration ever lay."""

    vm_id: str
    node: str
    paths: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class State:
    """The world."""

    name: str
    domain: str
    seed: int
    id: str
    functional_level: int = 11
    schema: int = 1
    counter: int = 0
    clock_offset: float = 0.0
    nodes: list[Node] = field(default_factory=list)
    volumes: list[Volume] = field(default_factory=list)
    disks: list[ClusteredDisk] = field(default_factory=list)
    roles: list[ClusterRole] = field(default_factory=list)
    resources: list[Resource] = field(default_factory=list)
    machines: list[Machine] = field(default_factory=list)
    reappearing: list[Reappearing] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    access: dict[str, Grant] = field(default_factory=dict)
    tracking: list[TrackedDisk] = field(default_factory=list)
    group_sets: list[str] = field(default_factory=list)
    affinity_rules: list[str] = field(default_factory=list)
    writer_omits: list[str] = field(default_factory=list)
    """Windows paths that the Hyper-V writer doesn't list."""
    writer_adds: dict[str, list[str]] = field(default_factory=dict)
    """Windows paths that the Hyper-V writer lists beyond a VM's own files, by VM id."""
    violations: list[str] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    switches: Switches = field(default_factory=Switches)
