"""A site whose nights are killed at counted events, and what must hold after the next one."""

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from borg_cluster.borg_locks import find_holders
from borg_cluster.catalog import manifest_from_json
from borg_cluster.cli.demo_site import DemoSite, make_site
from borg_cluster.cli.demo_stage import SimulatedStage, _reach
from borg_cluster.config import load
from borg_cluster.simulator import snapshots
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.making import DiskSpec, noise
from borg_cluster.simulator.state import SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from borg_cluster.simulator.wire import serve
from tests.e2e.conftest import Done, Shop
from tests.e2e.killing import BORG

WEB = "web[1]* \"$(x)\" '{now}'"
_JOB = """
  kills:
    kind: virtual_machines
    chunker_params: fixed,65536
    max_age: 26h
retry_wait: 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """``who`` is killed (us, borg or both), ``at`` which event of its own, the ``number``-th.

    Our own events: line (of the log), record, torn record, transaction, half transaction, before, after (a command of a node).
    Those of borg are methods of its repository, put (a chunk) and commit, ``after`` them or before, within the borg ``command``.
    """

    who: str
    at: str
    number: int
    command: str = "create"
    after: bool = True

    def render(self) -> str:
        """Return the kill in words."""
        if self.who == "us":
            return f"us at {self.at} {self.number}"
        return f"{self.who} {'after' if self.after else 'before'} {self.at} {self.number} of borg {self.command}"


@dataclass(slots=True, kw_only=True)
class KillSite:
    """The site. ``frozen``: the digests of the files that each snapshot froze, by run and VM, by Windows path.

    A run that tries again freezes again: its archive is of the last snapshot. ``known``: those that are noted.
    """

    shop: Shop
    bin: Path
    frozen: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    nights: int = 0

    @property
    def web(self) -> str:
        """The id of the VM that runs."""
        return self.shop.cluster.find_vm(WEB)

    def kill(self, kill: Kill) -> bool:
        """Let a backup run into the kill, after the guest wrote something; return whether the kill happened."""
        self.nights += 1
        self.shop.cluster.guest_write(self.web, data=noise(f"night {self.nights}", MIB))
        fired = self.bin / "fired"
        fired.unlink(missing_ok=True)
        fault = None
        spec = {"at": kill.at, "number": kill.number, "fired": str(fired)}
        if kill.who != "us":
            plan = spec | {"command": kill.command, "after": kill.after, "both": kill.who == "both"}
            (self.bin / "kill.json").write_text(json.dumps(plan), encoding="utf-8")
        running: list[subprocess.Popen[bytes]] = []
        if kill.at in {"before", "after"}:
            fault = Fault(
                kind=f"change_{kill.at}", occurrence=kill.number, change=lambda _: os.kill(running[0].pid, signal.SIGKILL)
            )
            self.shop.cluster.faults.add(fault)
        program = str(Path(__file__).with_name("killing.py"))
        line = [sys.executable, program, json.dumps(spec), "--log-json", "create", "kills"]
        running.append(subprocess.Popen(line, env=self.shop.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        running[0].communicate(timeout=100)
        if fault is not None:
            fault.occurrence = 0  # it counts no further
            return fault.fired == 1
        (self.bin / "kill.json").unlink(missing_ok=True)
        return fired.exists()

    def recover(self) -> Done:
        """Let the next run go as it does."""
        return self.shop.run("create", "kills")

    def wrong(self) -> Iterator[str]:
        """Yield what is not as it must be after the next run."""
        machines = self.shop.cluster.state.machines
        yield from (f"a snapshot is left on {one.definition.name}" for one in machines if one.definition.snapshots())
        yield from (f"a merge is left on {one.definition.name}" for one in machines if one.definition.merging())
        yield from (f"a leaf is left: {path.name}" for path in self.shop.cluster.folder.rglob("*.avhdx"))
        yield from (f"a claim is left: {path}" for path in self.shop.cluster.folder.rglob(".borg-cluster/claims/*"))
        yield from (f"a record is left: {path.name}" for path in (self.shop.site.folder / "state").rglob("*.jsonl"))
        yield from (f"a folder is left: {path.name}" for path in (self.shop.site.folder / "state").rglob("*.room"))
        policy = load(self.shop.site.configuration)
        yield from (f"a lock is left: {one.render()}" for one in find_holders(policy.borg, policy.repositories[0]))
        with sqlite3.connect(self.shop.site.folder / "state" / "catalog.sqlite") as catalog:
            if catalog.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                yield "the catalog is damaged"
        yield from self._archives()

    def _archives(self) -> Iterator[str]:
        """Extract each archive that is new with borg itself, and compare it with what its run froze."""
        site = self.shop.site
        listed = json.loads(site.borg("list", "--json", "--consider-checkpoints"))["archives"]
        names = [one["name"] for one in listed]
        yield from (f"{name} is left in the repository" for name in names if ".checkpoint" in name)
        shown = {one["archive"] for one in self.shop.ask("list")["archives"]}
        yield from (f"{name} is shown and not there" for name in sorted(shown - set(names)))
        new = [name for name in names if name not in self.seen and ".checkpoint" not in name]
        if not any(self.web in name for name in new):
            yield "there is no new archive"
        for name in new:
            self.seen.add(name)
            yield from (f"{name}: {fault}" for fault in self._compare(name))

    def _compare(self, archive: str) -> Iterator[str]:
        room = self.bin / "out"
        room.mkdir()
        environment = {**os.environ, **self.shop.site.borg_environment}
        done = subprocess.run(
            [self.bin / "borg", "extract", f"::{archive}"], cwd=room, env=environment, capture_output=True, check=False
        )
        if done.returncode:
            yield f"borg extract ends with {done.returncode}: {done.stderr.decode()[-200:]}"
        manifest = manifest_from_json((room / ".borg-cluster" / "manifest.json").read_text())
        frozen = self.frozen.get((manifest.run_id, manifest.subject))
        for file in manifest.files:
            there = room / file.archive_path
            if not there.is_file():
                yield f"{file.archive_path} is not in it"
            elif file.windows_path.endswith(".vhdx"):
                real = self.shop.cluster.real_path(file.windows_path)
                wanted = digest(real) if manifest.consistency == "offline" else (frozen or {}).get(file.windows_path.lower())
                if digest(there) != wanted:
                    yield f"{file.archive_path} is not what was frozen"
        shutil.rmtree(room)


def digest(path: Path) -> str:
    """Return what a file's content is known by."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def open_kill_site(folder: Path) -> Iterator[KillSite]:
    """Serve a small cluster with a VM that runs, and a borg that can be killed."""
    site = DemoSite(folder=folder)
    folder.mkdir()
    cluster = SimulatedCluster.create(site.cluster, nodes=("node1", "node2"), volumes=("Volume1",))
    small = DiskSpec(size=4 * MIB, content=MIB)
    cluster.add_vm(WEB, node="node1", disks=(small, small))
    with serve(cluster, folder=site.cluster) as nodes:
        volumes = {volume.path: cluster.volume_folder(volume.folder) for volume in cluster.state.volumes}
        make_site(site, cluster=f"{cluster.name}.{cluster.domain}", reach=_reach(nodes), volumes=volumes)
        killable = folder / "bin" / "borg"
        killable.parent.mkdir()
        killable.write_text(BORG.replace("{python}", sys.executable), encoding="utf-8")
        killable.chmod(0o755)
        text = site.configuration.read_text(encoding="utf-8")
        # Borg looks every tenth of that whether a lock is of a dead process
        borg = f"  executable: {json.dumps(str(killable))}\n  lock_wait: 5"
        lines = [borg if "executable:" in line else line for line in text.splitlines()]
        site.configuration.write_text("\n".join(lines) + _JOB, encoding="utf-8")
        shop = Shop(site=site, cluster=cluster, stage=SimulatedStage(cluster), events=[])
        opened = KillSite(shop=shop, bin=killable.parent)
        remember(opened)
        yield opened
        cluster.check()


def remember(site: KillSite) -> None:
    """Let each snapshot that is made be remembered by what it froze."""

    def note(cluster: SimulatedCluster) -> None:
        for machine in cluster.state.machines:
            for snapshot in machine.definition.snapshots():
                run_id = snapshots.run_of(snapshot)
                paths = [str(slot.path) for slot in snapshot.disks]
                if run_id is not None and snapshot.id not in site.known:
                    site.known.add(snapshot.id)
                    site.frozen[run_id, machine.id] = {path.lower(): digest(cluster.real_path(path)) for path in paths}

    site.shop.cluster.faults.add(Fault(kind="change_after", command="New-BorgClusterSnapshot", repeat=True, change=note))
