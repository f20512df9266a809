"""The demo's story, act by act. What is done to the cluster is in ``Stage``; what is done about it are real commands."""

import hashlib
import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from borg_cluster.cli.demo_player import Player
from borg_cluster.cli.demo_site import DemoSite
from borg_cluster.cli.render import duration, size

_NOT_STORED = (".rct", ".mrt", ".slp")
"""Windows makes these anew; no archive holds them."""


class Stage(Protocol):
    """The simulated cluster, as far as the story changes it or asks it for the truth."""

    @property
    def node_names(self) -> tuple[str, ...]:
        """All nodes."""

    def let_guests_write(self, *, night: int) -> int:
        """Let every running guest write to its disk; return how many bytes."""

    def migrate_one(self) -> tuple[str, str, str]:
        """Move a VM while it runs; return its id, the node it left and the one it went to."""

    def elevate_one(self) -> str:
        """Make a VM highly available; return its id."""

    def destroy_one(self) -> str:
        """Lose a highly available VM: role, registration and files; return its id."""

    @property
    def doomed(self) -> str:
        """The id of the VM that will be lost."""

    def truth(self, node: str, command: str, **parameters: object) -> dict[str, Any]:
        """Ask a node directly, beside borg-cluster."""

    def real_path(self, path: str) -> Path:
        """Return where a Windows path really is."""

    def check(self) -> None:
        """Raise if ever anything happened that must not: a running VM's disk replaced, a file lost."""


@dataclass(slots=True, kw_only=True)
class Story:
    """One telling, and what it measures on the way."""

    stage: Stage
    site: DemoSite
    player: Player
    began: float = field(default_factory=time.monotonic)
    read: int = 0
    stored: int = 0

    def inventory(self) -> dict[str, Any]:
        """Return the last inventory, as `discover --json` has it."""
        found: dict[str, Any] = self.player.ask("discover", "--no-refresh")
        return found

    def machine(self, vm_id: str) -> dict[str, Any]:
        """Return a VM of the last inventory."""
        return next(vm for vm in self.inventory()["virtual_machines"] if vm["id"] == vm_id)

    def truth(self, command: str, **parameters: object) -> dict[str, Any]:
        """Return the first node's own answer."""
        return self.stage.truth(self.stage.node_names[0], command, **parameters)


def tell_story(stage: Stage, site: DemoSite, player: Player) -> None:
    """Play the whole story. Raises ClaimBroken at the first claim that doesn't hold."""
    story = Story(stage=stage, site=site, player=player)
    _meet_the_cluster(story)
    _first_night(story)
    moved, elevated = _a_day_passes(story)
    doomed = story.stage.doomed
    frozen = {vm_id: _hashes(story, story.machine(vm_id)) for vm_id in (doomed, elevated)}
    _second_night(story, moved, elevated)
    _lose_and_restore(story, frozen[doomed])
    _put_back_in_place(story, elevated, frozen[elevated])
    _figures(story)


def _meet_the_cluster(story: Story) -> None:
    story.player.chapter("A cluster")
    story.player.tell(
        f"{len(story.stage.node_names)} nodes answer PowerShell Remoting over HTTPS, each on an address of its own."
    )
    story.player.play("discover")
    inventory = story.inventory()
    report = story.truth("Get-BorgClusterReport")
    clustered = {one["vm_id"] for one in report["resources"] if one["resource_type"] == "Virtual Machine"}
    places = {
        vm["id"]: node for node in story.stage.node_names for vm in story.stage.truth(node, "Get-BorgClusterNodeReport")["vms"]
    }
    found = {vm["id"]: vm["node"] for vm in inventory["virtual_machines"]}
    available = {vm["id"] for vm in inventory["virtual_machines"] if vm["highly_available"]}
    story.player.claim(f"all {len(found)} virtual machines are found, each where it really is", found == places, instead=found)
    story.player.claim(f"{len(available)} of them are highly available, and no other", available == clustered, instead=available)


def _first_night(story: Story) -> None:
    story.player.chapter("The first night: highly available VMs one by one, volumes without them")
    story.player.play("plan")
    story.player.play("create", "--stats")
    _check_night(story)


def _check_night(story: Story) -> list[dict[str, Any]]:
    """Check that each highly available VM has an archive of the newest run; return that run's archives."""
    archives = story.player.ask("list")["archives"]
    run = [archive for archive in archives if archive["run_id"] == archives[-1]["run_id"]]
    story.read += sum(archive["original_size"] for archive in run)
    story.stored += sum(archive["deduplicated_size"] for archive in run)
    available = {vm["id"] for vm in story.inventory()["virtual_machines"] if vm["highly_available"]}
    saved = {archive["subject"] for archive in run if archive["kind"] == "virtual_machine"}
    story.player.claim(f"{len(saved)} highly available VMs have an archive of their own", saved == available, instead=saved)
    return run


def _check_files(story: Story, run: list[dict[str, Any]]) -> None:
    """Check by borg's own lists that a run's archives hold each file of the volumes, and none in both kinds."""
    held: dict[str, set[str]] = {"virtual_machine": set(), "volume": set()}
    with ThreadPoolExecutor() as lists:
        files = lists.map(story.site.files_of, [archive["archive"] for archive in run])
        for archive, names in zip(run, files, strict=True):
            held[archive["kind"]].update(names)
    both = held["virtual_machine"] & held["volume"]
    story.player.claim("no file is both in a volume's archive and in a VM's (borg's own lists)", not both, instead=sorted(both))
    missing = _files_on_volumes(story.site) - held["virtual_machine"] - held["volume"]
    story.player.claim("and no file of the volumes is in neither", not missing, instead=sorted(missing))


def _files_on_volumes(site: DemoSite) -> set[str]:
    """Return what lies on the volumes, named as in archives."""
    root = site.cluster / "volumes"
    paths = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return {str(path) for path in paths if ".borg-cluster" not in path.parts and not path.name.endswith(_NOT_STORED)}


def _a_day_passes(story: Story) -> tuple[str, str]:
    """Migrate one VM and elevate another; return their ids."""
    story.player.chapter("A day passes")
    moved, source, target = story.stage.migrate_one()
    story.player.tell(f"{story.machine(moved)['name']} migrates from {source} to {target}.")
    elevated = story.stage.elevate_one()
    story.player.tell(f"{story.machine(elevated)['name']} becomes highly available.")
    story.player.tell(f"The guests write {size(story.stage.let_guests_write(night=2))} to their disks.")
    return moved, elevated


def _second_night(story: Story, moved: str, elevated: str) -> None:
    story.player.chapter("The second night follows them")
    story.player.play("create", "--refresh")
    _check_files(story, _check_night(story))
    story.player.play("history", story.machine(moved)["name"])
    changes = story.player.ask("history")["changes"]
    happened = {(change["vm_id"], change["kind"]): change for change in changes}
    migration = happened.get((moved, "migrated"), {"was": None, "now": None})
    there = story.machine(moved)["node"]
    story.player.claim(
        f"history has the migration from {migration['was']} to {there}", migration["now"] == there, instead=changes
    )
    known = (elevated, "became_highly_available") in happened
    story.player.claim(f"history has that {story.machine(elevated)['name']} became highly available", known, instead=changes)
    manifest = _newest_manifest(story, moved)
    story.player.claim(
        f"the newest archive was made where it is now: {there}", manifest["node"] == there, instead=manifest["node"]
    )


def _newest_manifest(story: Story, vm_id: str) -> dict[str, Any]:
    archive = story.player.ask("list", vm_id)["archives"][-1]["archive"]
    manifest: dict[str, Any] = json.loads(story.site.borg("extract", "--stdout", f"::{archive}", ".borg-cluster/manifest.json"))
    return manifest


def _lose_and_restore(story: Story, before: dict[str, str]) -> None:
    """Lose a VM and restore it; ``before`` are its files as the night's snapshot froze them."""
    vm_id = story.stage.doomed
    vm = story.machine(vm_id)
    story.player.chapter(f"{vm['name']} is lost")
    settings = story.truth("Get-BorgClusterRoleSetting", VMId=vm_id)
    story.stage.destroy_one()
    story.player.tell(f"Its role, its registration and its {len(before)} files are gone.")
    gone = not any(story.stage.real_path(path).exists() for path in before)
    story.player.claim("nothing of it is left on the cluster", gone)
    story.player.play("extract", vm["name"], "--yes")
    _check_restored(story, vm, before=before, settings=settings)


def _put_back_in_place(story: Story, vm_id: str, before: dict[str, str]) -> None:
    vm = story.machine(vm_id)
    story.player.chapter(f"{vm['name']} is there, but its data is spoilt")
    settings = story.truth("Get-BorgClusterRoleSetting", VMId=vm_id)
    story.stage.let_guests_write(night=3)
    story.player.claim("its disk is not what it was", _hashes(story, vm) != before)
    story.player.play("extract", vm["name"], "--yes")
    _check_restored(story, vm, before=before, settings=settings)
    story.player.play("restores")


def _check_restored(story: Story, vm: dict[str, Any], *, before: dict[str, str], settings: dict[str, Any]) -> None:
    state = story.truth("Get-BorgClusterVMState", VMId=vm["id"])
    role = state["role"] or {}
    story.player.claim(f"its role is Online on {role.get('owner_node')}", role.get("state") == "Online", instead=role)
    after = _hashes(story, vm)
    changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    story.player.claim(f"its {len(before)} files are as they were frozen, byte for byte (SHA-256)", not changed, instead=changed)
    now = story.truth("Get-BorgClusterRoleSetting", VMId=vm["id"])
    differing = sorted(key for key in settings if settings[key] != now[key])
    story.player.claim("its role has the settings that it had", not differing, instead=differing)
    story.stage.check()


def _hashes(story: Story, vm: dict[str, Any]) -> dict[str, str]:
    """Return path -> SHA-256 of the files that are a VM's own, as they lie on the volumes now."""
    paths: Iterable[str] = (file["path"] for file in vm["files"] if not file["path"].endswith(_NOT_STORED))
    real = {path: story.stage.real_path(path) for path in paths}
    return {path: hashlib.sha256(where.read_bytes()).hexdigest() for path, where in real.items() if where.exists()}


def _figures(story: Story) -> None:
    story.player.chapter("Measured")
    inventory = story.inventory()
    restores = story.player.ask("restores")["restores"]
    offline = [restore["offline_seconds"] for restore in restores if restore["offline_seconds"] is not None]
    story.player.figure("nodes", str(len(inventory["nodes"])))
    story.player.figure("virtual machines", str(len(inventory["virtual_machines"])))
    story.player.figure("read in two nights", size(story.read))
    story.player.figure("stored for it (deduplicated)", size(story.stored))
    story.player.figure("offline while restored in place", ", ".join(map(duration, offline)) or "never")
    story.player.figure("claims checked", str(story.player.claims))
    story.player.figure("all of this took", duration(time.monotonic() - story.began))
