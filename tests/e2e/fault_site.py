"""A night on which something goes wrong at a chosen moment, and the one after it, on which all must be well again."""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from borg_cluster import discover
from borg_cluster.bridge import Lost
from borg_cluster.catalog import manifest_from_json
from borg_cluster.cli.failure import exit_code_of
from borg_cluster.cli.sinks import Tally, fan_out
from borg_cluster.core.backup_plan import plan_backup
from borg_cluster.core.event import ArchiveFailed, Followed, Warned
from borg_cluster.core.policy import JobKind, WantedConsistency
from borg_cluster.create import create
from borg_cluster.errors import BorgClusterError, CommandFailed
from borg_cluster.remoting import Parameter
from borg_cluster.simulator import snapshots
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.state import DiskSpec, SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from tests.direct import DirectBridge
from tests.e2e.kill_site import digest
from tests.e2e.killing import BORG
from tests.e2e.test_create import Night, job, open_night

Answer = TypeVar("Answer")
WEB = "web[1]* \"$(x)\" '{now}'"
VOLUME = "Volume1"
_FROZEN = {"application", "crash"}
NIGHTLY = replace(
    job("nightly", JobKind.VIRTUAL_MACHINES), consistency=WantedConsistency.APPLICATION, chunker_params="fixed,65536"
)


class LossyBridge(DirectBridge):
    """Loses what the world's faults say that the wire loses: the question, or the answer to it."""

    def _ask(
        self, answer: type[Answer], node: str, command: str, parameters: Mapping[str, Parameter], *, longer: int = 0
    ) -> Answer | Lost:
        there = self.aliases.get(node, node)
        short = self._cluster.core_owner if there.lower() == self._cluster_name() else there.partition(".")[0]
        lost = Lost(node=node, reason="timed_out", message=f"{node}: the connection was lost", hint=None)
        if self._cluster.reachable(there) and self._cluster.faults.before(short, command).drop:
            return lost
        try:
            given = super()._ask(answer, node, command, parameters, longer=longer)
        except CommandFailed:
            if self._cluster.reachable(there):
                raise
            return lost  # it died meanwhile: nobody is left to answer with an error
        return lost if self._cluster.faults.after(short, command).drop else given

    def _cluster_name(self) -> str:
        return f"{self._cluster.name}.{self._cluster.domain}".lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a night ended: its exit code, the archives that stand by it, and what was to be read of it."""

    code: int
    done: int
    failed: int
    told: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class FaultSite:
    """``frozen``: the digests of the files that each snapshot froze, by run and VM, by Windows path."""

    night: Night
    bin: Path
    web: str
    """The VM's id."""
    frozen: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    @property
    def cluster(self) -> SimulatedCluster:
        """The world."""
        return self.night.cluster

    @property
    def owner(self) -> str:
        """The node that has the VM."""
        return self.cluster.machine(self.web).node

    def back_up(self) -> Ended:
        """Let a night go by."""
        night = self.night
        night.runs += 1
        night.events.clear()
        night.clock.advance(3600)
        tally = Tally()
        context = replace(night.context, emit=fan_out(tally, night.context.emit))
        run_id = f"11111111-0000-4000-8000-{night.runs:012}"
        code = None
        try:
            inventory = discover.discover(context)
            plan = plan_backup(inventory, context.policy, jobs=(), good=(), at=night.clock(), run_id=run_id)
            create(context, plan, inventory)
        except BorgClusterError as error:
            code = exit_code_of(error)
            night.events.append(Warned(subject="", message=error.message, hint=error.hint))
        return Ended(
            code=int(tally.exit_code if code is None else code), done=tally.done, failed=tally.failed, told=tuple(self._told())
        )

    def _told(self) -> Iterator[str]:
        for event in self.night.events:
            if isinstance(event, Warned):
                yield event.message
            elif isinstance(event, Followed):
                yield f"moved from {event.was} to {event.now}; followed"
            elif isinstance(event, ArchiveFailed):
                yield f"failed: {event.reason}"

    def meet(self, act: Callable[[], object], *, number: int = 5, kill: int | None = None) -> "threading.Event":
        """Do something when borg has stored its so manieth chunk, while it waits; return what tells whether that was.

        ``kill``: then borg kills itself, at its so manieth chunk.
        """
        done = threading.Event()
        place = self.bin / "meet"
        for end in ("asked", "answered"):
            os.mkfifo(f"{place}.{end}")
        plan = {"at": "put", "number": number, "after": True, "both": False, "command": "create"}
        plan |= {"fired": str(self.bin / "fired"), "meet": str(place), "then": kill}
        (self.bin / "kill.json").write_text(json.dumps(plan), encoding="utf-8")

        def wait() -> None:
            Path(f"{place}.asked").read_text(encoding="utf-8")
            try:
                act()
                done.set()
            finally:
                Path(f"{place}.answered").write_text("go on", encoding="utf-8")
                for end in ("asked", "answered"):
                    Path(f"{place}.{end}").unlink()

        threading.Thread(target=wait, daemon=True).start()
        return done

    def fill_volume_and_write(self) -> None:
        """Let the VM's volume be full when its guest writes where its disk must grow: Windows pauses it."""
        self.cluster.fill_volume(VOLUME, left=MIB // 2)
        self.cluster.guest_write(self.web, offset=3 * MIB, data=b"no room for this")

    def logged(self, what: str) -> bool:
        """Return whether the world's own log tells of this."""
        return any(what in str(entry["what"]) for entry in self.cluster.log)

    def wrong(self) -> Iterator[str]:
        """Yield what is not as it must be once all is well again."""
        machines = self.cluster.state.machines
        yield from (f"a snapshot is left on {one.definition.name}" for one in machines if one.definition.snapshots())
        yield from (f"a merge is left on {one.definition.name}" for one in machines if one.definition.merging())
        yield from (f"a leaf is left: {path.name}" for path in self.cluster.folder.rglob("*.avhdx"))
        yield from (f"a claim is left: {path}" for path in self.night.claims())
        yield from (f"a record is left: {path.name}" for path in self.night.context.state.rglob("runs/*/*"))
        names = [one.name for one in self.night.borg.borg.list_archives()]
        yield from (f"{name} is left in the repository" for name in names if ".checkpoint" in name)
        if len(machines) != 1:
            yield f"the VM is there {len(machines)} times"

    def untrue(self) -> Iterator[str]:
        """Extract each archive that is shown as good and new, with borg itself; yield where it isn't what its run froze."""
        for one in self.night.borg.borg.list_archives():
            if one.name in self.seen or ".checkpoint" in one.name:
                continue
            self.seen.add(one.name)
            yield from (f"{one.name}: {fault}" for fault in self._differences(one.name))

    def _differences(self, archive: str) -> Iterator[str]:
        room = self.bin / archive
        room.mkdir()
        self.night.borg.borg.extract(archive, (), room)
        manifest = manifest_from_json((room / ".borg-cluster" / "manifest.json").read_text(encoding="utf-8"))
        frozen = self.frozen.get((manifest.run_id, manifest.subject), {})
        if not any(file.kind == "disk" for file in manifest.files):
            yield "it holds no disk"
        for file in manifest.files:
            there = room / file.archive_path
            if manifest.consistency not in _FROZEN:  # nothing writes meanwhile, here
                frozen[file.windows_path.lower()] = digest(self.cluster.real_path(file.windows_path))
            if file.kind == "disk" and (not there.is_file() or digest(there) not in frozen.get(file.windows_path.lower(), "")):
                yield f"{file.windows_path} is not what was frozen"


@contextmanager
def open_fault_site(folder: Path) -> Iterator[FaultSite]:
    """Make a cluster of three nodes with one VM; the cluster's name is on the third, the VM on the first."""
    cluster = SimulatedCluster.create(folder / "cluster", volumes=(VOLUME,))
    small = DiskSpec(size=4 * MIB, content=MIB)
    web = cluster.add_vm(WEB, node="node1", volume=VOLUME, disks=(small, small))
    cluster.move_core_group("node3")
    for night in open_night(cluster, folder):
        site = FaultSite(night=night, bin=folder / "bin", web=web)
        site.bin.mkdir()
        killable = site.bin / "borg"
        killable.write_text(BORG.replace("{python}", sys.executable), encoding="utf-8")
        killable.chmod(0o755)
        borg = replace(night.context.policy.borg, executable=str(killable))
        night.context = replace(night.context, bridge=LossyBridge(cluster))
        night.reconfigure(jobs=(NIGHTLY,), borg=borg, seeds=cluster.node_names)
        cluster.faults.add(
            Fault(kind="change_after", command="New-BorgClusterSnapshot", repeat=True, change=partial(_remember, site))
        )
        yield site
        cluster.check()


def _remember(site: FaultSite, _: object) -> None:
    """Remember what each snapshot froze; a run that reads twice freezes twice, and either will do."""
    for machine in site.cluster.state.machines:
        for snapshot in machine.definition.snapshots():
            run_id = snapshots.run_of(snapshot)
            for path in [str(slot.path) for slot in snapshot.disks] if run_id else []:
                known = site.frozen.setdefault((str(run_id), machine.id), {})
                now = digest(site.cluster.real_path(path))
                if now not in known.get(path.lower(), ""):
                    known[path.lower()] = known.get(path.lower(), "") + now
