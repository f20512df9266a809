"""What an archive tells a person who has nothing but BorgBackup and Windows, kept as text to review."""

from dataclasses import replace

from borg_cluster.core.archive import ArchiveKind, Consistency, Manifest
from borg_cluster.core.runbook import runbook
from tests import reports
from tests.golden.golden import check
from tests.restores import highly_available, inventory, manifest

HOSTILE = 'O\'Brien\u2019s web[1]* "$(x)"\n`{now}`'
SETTING: dict[str, object] = {
    "schema": 1,
    "vm_id": reports.vm_id(1),
    "name": HOSTILE,
    "description": "front end; don't\r\nmove",
    "properties": {"Priority": 3000, "AutoFailbackType": 1, "FailbackWindowStart": None, "PreferredSite": "Wien's"},
    "preferred_owners": ["node2", "node1"],
    "anti_affinity_class_names": ["web", "it's"],
    "group_sets": ["first"],
    "affinity_rules": ["apart"],
    "vm_resource": {
        "parameters": {"OfflineAction": 1, "CheckHeartbeat": 1},
        "properties": {"RestartAction": 2, "SeparateMonitor": None},
        "possible_owners": ["node1", "node2"],
        "extra_dependencies": ["Cluster Disk 7"],
    },
    "configuration_resource": None,
}


def made(name: str, *, plain: bool = False) -> Manifest:
    """Return the manifest of a VM with a checkpoint, a shared parent disk and a name for each shell to stumble over."""
    home = r"C:\ClusterStorage\Volume1\web's [1]"
    leaf, base, parent = rf"{home}\web.avhdx", rf"{home}\web.vhdx", r"C:\ClusterStorage\Volume1\golden\base.vhdx"
    machine = reports.vm(
        1,
        name,
        disks=(reports.disk(leaf, base, parent),),
        files=(reports.file(rf"{home}\Virtual Machines\{reports.vm_id(1)}.vmcx"),),
    )
    roles = {} if plain else highly_available(1, name)
    known = inventory({"node1": (machine,)}, **roles)
    kept = manifest(known, machine.id)
    files = tuple(replace(file, read_only=file.windows_path == parent) for file in kept.files)
    return replace(
        kept,
        files=files,
        cluster="hv.example.test",
        vm={
            "state": "Off" if plain else "Running",
            "generation": 2,
            "version": "10.0",
            "network_adapters": [{"name": "LAN", "switch_name": "vSwitch"}],
        },
        role_setting=None if plain else SETTING,
        consistency=Consistency.OFFLINE if plain else Consistency.APPLICATION,
        consistency_reason="the virtual machine is off: nothing writes"
        if plain
        else "recovery snapshot 7 of 2026-03-01T02:00:00Z",
    )


def test_of_a_highly_available_vm_with_a_hostile_name() -> None:
    text = runbook(made(HOSTILE), repository="ssh://backup@host/./it's here", archive="hv-1-2026-03-01T02:00:00Z")
    check("runbooks/highly-available.txt", text)


def test_of_a_vm_that_was_off_and_not_highly_available() -> None:
    text = runbook(made("legacy", plain=True), repository="/srv/borg/hv", archive="hv-1-2026-03-01T02:00:00Z")
    assert "ClusterVirtualMachineRole" not in text
    check("runbooks/plain.txt", text)


def test_of_a_volume() -> None:
    volume = replace(
        made("x"), kind=ArchiveKind.VOLUME, name="Volume1", subject="Volume1", files=(), vm=None, left_out=("a", "b")
    )
    check("runbooks/volume.txt", runbook(volume, repository="/srv/borg/hv", archive="hv-Volume1-2026-03-01T02:00:00Z"))


def test_no_name_breaks_out_of_its_line() -> None:
    text = runbook(made(HOSTILE), repository="/r\n", archive="a")
    assert HOSTILE not in text
    assert all(line.isprintable() for line in text.splitlines())
