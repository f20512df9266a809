"""Values to words: hostile names are shown, never obeyed; tables fit 80 columns."""

import io
import json

import pytest
from rich.console import Console

from borg_cluster.cli import render
from borg_cluster.cli.inventory_view import inventory_view
from borg_cluster.core.inventory import (
    FileKind,
    Finding,
    FindingCode,
    Inventory,
    OwnedFile,
    Severity,
    Unanswered,
    VirtualMachine,
)
from borg_cluster.core.policy import Mount

HOSTILE = ("web[1]* $(reboot) [red]x[/red]", "a\x1b[31m\nb\u202ec", "quo\"te's", "NO", "x" * 100, "\udcff", ":smile:", "日本語")
MOUNTS = (Mount(windows=r"C:\ClusterStorage\Volume1", path="/mnt/v1", name="Volume1", node=None, writable=True),)


def _machine(name: str, number: int, *, volume: str = "Volume1", node: str | None = "node1") -> VirtualMachine:
    file = OwnedFile(
        path=rf"C:\ClusterStorage\{volume}\x\a.vhdx",
        kind=FileKind.DISK,
        size=12345678901,
        modified=None,
        exists=True,
        read_only=False,
        identifier=None,
        sources=frozenset({"hyperv", "vss"}),
    )
    return VirtualMachine(
        id=f"{number:08x}-1111-2222-3333-444455556666",
        name=name,
        node=node,
        nodes=(node,) if node else (),
        highly_available=number % 2 == 0,
        role=None,
        resources=(),
        state="Running",
        operational_status=(2,),
        generation=2,
        version="10.0",
        path=None,
        configuration_path=None,
        notes="",
        tags=(),
        disks=(),
        files=(file,),
        checkpoints=(),
        network_adapters=(),
    )


def _inventory(*machines: VirtualMachine, findings: tuple[Finding, ...] = ()) -> Inventory:
    lost = Unanswered(node="node3", reason="timed_out", message="no answer within 300 s", hint="Test-WSMan node3")
    return Inventory(
        cluster="hv.example.test",
        cluster_id=None,
        taken_at="2026-03-01T21:00:07+00:00",
        core_owner="node1",
        functional_level=10,
        nodes=(),
        volumes=(),
        clustered_disks=(),
        virtual_machines=machines,
        unanswered=(lost,),
        findings=findings,
    )


def _shown(value: object, *, width: int = 80) -> str:
    screen = io.StringIO()
    Console(file=screen, width=width, markup=False, emoji=False, highlight=False).print(value)
    return screen.getvalue()


def _finding(severity: Severity, subject: str, message: str) -> Finding:
    return Finding(code=FindingCode.DISK_NOT_MAPPED, severity=severity, subject=subject, message=message, path="D:\\x.vhdx")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_shown_and_neither_read_as_markup_nor_obeyed(name: str) -> None:
    shown = _shown(render.words(name), width=200).rstrip("\n")
    assert shown.isprintable()
    assert shown == (name if name.isprintable() else render.clean(name))


def test_control_characters_and_turned_writing_become_visible() -> None:
    assert render.clean("a\x1b[31m\nb\u202ec\x9bd\udcff") == r"a\x1b[31m\nb\u202ec\x9bd\udcff"


@pytest.mark.parametrize("width", [80, 120])
def test_an_inventory_of_hostile_names_fits_the_terminal_and_loses_nothing(width: int) -> None:
    machines = tuple(_machine(name, number) for number, name in enumerate(HOSTILE))
    shown = _shown(inventory_view(_inventory(*machines), mounts=MOUNTS), width=width)
    assert max(map(len, shown.splitlines())) <= width
    for machine in machines:
        assert machine.id[:8] in shown
    assert shown.count("x") >= 100


def test_a_vm_of_two_names_alike_is_told_apart_by_its_id() -> None:
    shown = _shown(inventory_view(_inventory(_machine("web", 1), _machine("web", 2)), mounts=MOUNTS))
    assert "web 00000001" in shown
    assert "web 00000002" in shown


def test_findings_are_listed_worst_first_and_counted_beside_their_vm() -> None:
    vm = _machine("web01", 1)
    findings = (_finding(Severity.WARNING, vm.id, "less"), _finding(Severity.ERROR, vm.id, "more"))
    shown = _shown(inventory_view(_inventory(vm, findings=findings), mounts=MOUNTS))
    assert "!1 ?1" in shown
    assert shown.index("more") < shown.index("less")
    assert "2 findings" in shown


def test_a_silent_node_is_named_with_what_to_type() -> None:
    shown = _shown(inventory_view(_inventory(), mounts=MOUNTS))
    assert "timed_out" in shown
    assert "hint: Test-WSMan node3" in shown


@pytest.mark.parametrize(("volume", "named"), [("Volume1", "Volume1"), ("Volume9", "C:")])
def test_storage_is_named_as_the_mount_is_else_as_windows_does(volume: str, named: str) -> None:
    assert named in _shown(inventory_view(_inventory(_machine("web01", 1, volume=volume)), mounts=MOUNTS)).splitlines()[5]


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "?"), (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 * 2**30, "5.0 GiB"), (2**62, "4096.0 PiB")],
)
def test_sizes(count: int | None, text: str) -> None:
    assert render.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (192, "3 min 12 s"), (7500, "2 h 5 min"), (26 * 3600, "26 h 0 min"), (8 * 86400 + 7300, "8 d 2 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert render.duration(seconds) == text


def test_json_holds_any_name_in_ascii_and_names_its_schema() -> None:
    document = render.json_document("inventory", render.fields_of(_inventory(*(_machine(name, 1) for name in HOSTILE))))
    assert document.isascii()
    read = json.loads(document)
    assert (read["schema"], read["kind"]) == (render.JSON_SCHEMA, "inventory")
    assert [vm["name"] for vm in read["virtual_machines"]] == list(HOSTILE)
    assert read["virtual_machines"][0]["files"][0]["sources"] == ["hyperv", "vss"]
