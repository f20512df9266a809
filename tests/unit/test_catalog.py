"""The catalog on a real file: what is put in comes out, and what happened is told once."""

import sqlite3
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from borg_cluster import catalog as catalog_module
from borg_cluster.catalog import Catalog, Run, manifest_from_json, manifest_to_json
from borg_cluster.core.archive import ArchivedFile, ArchiveKind, Consistency, Manifest, Reading
from borg_cluster.core.history import ChangeKind
from borg_cluster.core.inventory import Inventory, Unanswered
from borg_cluster.core.merge import merge
from borg_cluster.core.report import VM
from borg_cluster.errors import BorgClusterError, Refused
from tests.reports import cluster_report, held, node_report, role, vm, vm_id, volume

NO_UTF8 = "Volume1/web01/\udcff\n.vhdx"


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog.open(tmp_path / "state" / "catalog.sqlite") as opened:
        yield opened


def inventory(*places: tuple[str, VM], minute: int = 0, highly_available: tuple[int, ...] = (), silent: str = "") -> Inventory:
    """Return an inventory of VMs on nodes; ``silent`` is a node that did not answer."""
    owners = {
        vm_id(number): next((node for node, it in places if it.id == vm_id(number)), "node1") for number in highly_available
    }
    cluster = cluster_report(
        volumes=(volume("Volume1"), volume("Volume2")),
        roles=tuple(role(number, f"role{number}", owners[vm_id(number)]) for number in highly_available),
        resources=tuple(it for number in highly_available for it in held(number, "x", owners[vm_id(number)])),
    )
    names = [node.name for node in cluster.nodes if node.name != silent]
    nodes = tuple(node_report(name, *(it for node, it in places if node == name)) for name in names)
    lost = (Unanswered(node=silent, reason="timed_out", message="no answer", hint=None),) if silent else ()
    return merge(cluster, nodes, (), lost, taken_at=f"2026-03-01T02:{minute:02}:00+00:00")


def manifest(number: int = 1, *, day: int = 1, kind: ArchiveKind = ArchiveKind.VIRTUAL_MACHINE) -> Manifest:
    archived = ArchivedFile(
        archive_path=NO_UTF8,
        windows_path=r"C:\ClusterStorage\Volume1\web01\x.vhdx",
        kind="disk",
        size=1,
        mtime_ns=2,
        owner=vm_id(number),
        identifier=None,
        read_only=False,
    )
    return Manifest(
        schema=1,
        kind=kind,
        cluster="hv",
        subject=vm_id(number) if kind is ArchiveKind.VIRTUAL_MACHINE else "Volume1",
        name="web01",
        node="node1",
        highly_available=True,
        consistency=Consistency.CRASH,
        consistency_reason="why",
        job="nightly",
        run_id=f"run-{day}",
        created_at=f"2026-03-{day:02}T02:00:00+00:00",
        files=(archived,),
        vm={"name": "web01", "disks": [1, None]},
        role_setting=None,
        left_out=(),
        versions={"borg": "1.4"},
    )


def reading(name: str) -> Reading:
    return Reading(
        archive_id="ab" * 32,
        archive_name=name,
        original_size=10,
        deduplicated_size=5,
        seconds=1.5,
        chunk_hashes={NO_UTF8: "00ff"},
        changed_while_read=(NO_UTF8,),
    )


def test_the_newest_inventory_of_a_cluster_comes_back(catalog: Catalog) -> None:
    first, second = (inventory(("node1", vm(1, "web01")), minute=minute) for minute in (0, 1))
    assert catalog.latest_inventory("hv") is None
    catalog.record_inventory(first)
    catalog.record_inventory(replace(first, cluster="other"))
    assert catalog.latest_inventory("hv") == first
    catalog.record_inventory(second)
    assert catalog.latest_inventory("hv") == second


def test_identical_inventories_share_a_row_and_differing_ones_do_not(catalog: Catalog) -> None:
    for minute in (0, 5, 10):
        catalog.record_inventory(inventory(("node1", vm(1, "web01")), minute=minute))
    catalog.record_inventory(inventory(("node2", vm(1, "web01")), minute=15))
    rows = catalog.inventories("hv")
    assert [(row.first_taken[14:16], row.last_taken[14:16]) for row in rows] == [("00", "10"), ("15", "15")]
    kept = catalog.inventory(rows[0].number)
    assert kept == inventory(("node1", vm(1, "web01")), minute=10)


def test_only_the_newest_inventories_are_kept_whole(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_module, "KEPT_INVENTORIES", 2)
    for minute in range(4):
        catalog.record_inventory(inventory((f"node{1 + minute % 2}", vm(1, "web01")), minute=minute))
    rows = catalog.inventories("hv")
    assert [row.first_taken[14:16] for row in rows] == ["02", "03"]
    assert catalog.inventory(rows[0].number - 1) is None
    assert len(catalog.history("hv")) == 4


def test_an_inventory_that_this_version_cannot_read_is_as_good_as_none(catalog: Catalog, tmp_path: Path) -> None:
    catalog.record_inventory(inventory())
    with sqlite3.connect(tmp_path / "state" / "catalog.sqlite") as raw:
        raw.execute("UPDATE inventory SET content = ?", (catalog_module._pack('{"cluster":"hv"}'),))
    raw.close()
    assert catalog.latest_inventory("hv") is None


def test_the_history_of_a_vm(catalog: Catalog) -> None:
    moved = r"C:\ClusterStorage\Volume2"
    steps = (
        inventory(("node1", vm(1, "web01")), ("node1", vm(2, "lab"))),
        inventory(("node2", vm(1, "web01")), ("node1", vm(2, "lab")), minute=1),
        inventory(("node2", vm(1, "web01")), ("node1", vm(2, "lab")), minute=2, highly_available=(1,)),
        inventory(("node2", vm(1, "web1", place=moved)), ("node1", vm(2, "lab")), minute=3, highly_available=(1,)),
        inventory(("node2", vm(1, "web1", place=moved)), ("node1", vm(2, "lab")), minute=4),
        inventory(("node1", vm(2, "lab")), minute=5),
    )
    for step in steps:
        catalog.record_inventory(step)
    assert [(it.kind, it.at[14:16], it.was, it.now) for it in catalog.history("hv", vm_id(1))] == [
        (ChangeKind.APPEARED, "00", None, "node1"),
        (ChangeKind.MIGRATED, "01", "node1", "node2"),
        (ChangeKind.BECAME_HIGHLY_AVAILABLE, "02", None, None),
        (ChangeKind.RENAMED, "03", "web01", "web1"),
        (ChangeKind.MOVED_STORAGE, "03", r"C:\ClusterStorage\Volume1", moved),
        (ChangeKind.CEASED_TO_BE_HIGHLY_AVAILABLE, "04", None, None),
        (ChangeKind.VANISHED, "05", "node2", None),
    ]
    assert [it.kind for it in catalog.history("hv", vm_id(2))] == [ChangeKind.APPEARED]
    assert len(catalog.history("hv")) == 8
    assert catalog.history("other") == ()


def test_a_node_that_does_not_answer_takes_no_vm_away(catalog: Catalog) -> None:
    """Not even through several inventories: what was last known is kept until its node answers."""
    both = (("node1", vm(1, "web01")), ("node2", vm(2, "lab")))
    catalog.record_inventory(inventory(*both, highly_available=(1,)))
    for minute in (1, 2):
        assert catalog.record_inventory(inventory(both[1], minute=minute, silent="node1", highly_available=(1,))) == ()
        assert catalog.record_inventory(inventory(both[0], minute=minute, silent="node2", highly_available=(1,))) == ()
    assert catalog.record_inventory(inventory(*both, minute=3, highly_available=(1,))) == ()
    gone = catalog.record_inventory(inventory(both[0], minute=4, highly_available=(1,)))
    assert [(it.kind, it.vm_id) for it in gone] == [(ChangeKind.VANISHED, vm_id(2))]


def test_archives_their_manifests_and_chunk_hashes(catalog: Catalog) -> None:
    catalog.record_archive(manifest(day=1), reading("a1"), "/srv/borg")
    catalog.record_archive(manifest(day=2), reading("a2"), "/srv/borg")
    catalog.record_archive(manifest(2, day=1), reading("b1"), "/srv/borg")
    catalog.record_archive(manifest(day=3, kind=ArchiveKind.VOLUME), reading("v1"), "/srv/borg")
    assert [it.archive for it in catalog.archives("hv")] == ["a1", "b1", "a2", "v1"]
    assert [it.archive for it in catalog.archives("hv", vm_id(1))] == ["a1", "a2"]
    assert [(it.vm_id, it.archive, it.archive_paths) for it in catalog.good_archives("hv")] == [
        (vm_id(1), "a2", (NO_UTF8,)),
        (vm_id(2), "b1", (NO_UTF8,)),
    ]
    between = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert [it.archive for it in catalog.good_archives("hv", between)] == ["a1", "b1"], "a2 is dated in the future"
    assert [it.archive for it in catalog.good_archives("hv", between - timedelta(days=9))] == ["a2", "b1"], "all are"
    assert catalog.manifest("/srv/borg", "a2") == manifest(day=2)
    assert catalog.manifest("/srv/other", "a2") is None
    assert catalog.chunk_hashes("/srv/borg", "a2") == {NO_UTF8: "00ff"}
    assert [(it.files, it.changed_while_read) for it in catalog.archives("hv")[-1:]] == [(1, (NO_UTF8,))]


def test_an_archive_recorded_again_or_forgotten(catalog: Catalog) -> None:
    catalog.record_archive(manifest(), reading("a1"), "/srv/borg")
    catalog.record_archive(manifest(), replace(reading("a1"), chunk_hashes={"other": "11"}), "/srv/borg")
    assert catalog.chunk_hashes("/srv/borg", "a1") == {"other": "11"}
    assert len(catalog.archives("hv")) == 1
    catalog.forget_archive("/srv/borg", "a1")
    catalog.forget_archive("/srv/borg", "a1")
    assert catalog.archives("hv") == ()
    assert catalog.good_archives("hv") == ()
    assert catalog.chunk_hashes("/srv/borg", "a1") == {}


def test_runs(catalog: Catalog) -> None:
    run = Run(run_id="r", cluster="hv", verb="create", started_at="1", finished_at="2", exit_code=0, done=3, failed=0, warnings=1)
    catalog.record_run(replace(run, exit_code=2))
    catalog.record_run(run)
    catalog.record_run(replace(run, verb="extract"))
    assert [(it.verb, it.exit_code) for it in catalog.runs("hv")] == [("create", 0), ("extract", 0)]


def test_a_manifest_and_its_json() -> None:
    assert manifest_from_json(manifest_to_json(manifest())) == manifest()
    with pytest.raises(ValueError, match="schema"):
        manifest_from_json("{}")


def test_others_read_while_one_writes(catalog: Catalog, tmp_path: Path) -> None:
    """A reader sees what was there before, until the writer is done."""
    catalog.record_inventory(inventory())
    with Catalog.open(tmp_path / "state" / "catalog.sqlite") as reader, catalog._transaction():
        catalog._connection.execute("DELETE FROM inventory")
        assert reader.latest_inventory("hv") == inventory()


def test_a_failure_in_the_middle_leaves_nothing_behind(catalog: Catalog) -> None:
    bad = replace(reading("a1"), chunk_hashes={"x": None})  # type: ignore[dict-item] # what the table refuses
    with pytest.raises(BorgClusterError, match=r"catalog.sqlite can't be used: NOT NULL"):
        catalog.record_archive(manifest(), bad, "/srv/borg")
    assert catalog.archives("hv") == ()


def test_many_open_a_new_catalog_at_once(tmp_path: Path) -> None:
    path, failures = tmp_path / "catalog.sqlite", []

    def work(number: int) -> None:
        try:
            with Catalog.open(path) as opened:
                opened.record_inventory(replace(inventory(), cluster=f"hv{number}"))
        except BorgClusterError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with Catalog.open(path) as opened:
        assert all(opened.latest_inventory(f"hv{number}") for number in range(8))


def test_only_its_owner_reads_the_file(catalog: Catalog, tmp_path: Path) -> None:
    del catalog
    assert stat.S_IMODE((tmp_path / "state" / "catalog.sqlite").stat().st_mode) == 0o600


def newer(path: Path) -> None:
    Catalog.open(path).close()
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA user_version = 99")
    raw.close()


def torn(path: Path) -> None:
    """Lose all but the first page, on which alone opening it looks."""
    with Catalog.open(path) as opened:
        opened.record_inventory(inventory())
    path.write_bytes(path.read_bytes()[:4096])


def another(path: Path) -> None:
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE t (x)")
    raw.close()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(b"no database" * 100), "can't be used: file is not a database"),
        (lambda path: path.mkdir(), "can't be opened"),
        (torn, "can't be used: "),
        (newer, r"written by a newer borg-cluster \(version 99\)"),
        (another, "no catalog of borg-cluster"),
    ],
)
def test_a_file_that_is_no_catalog_is_refused_in_one_line(tmp_path: Path, spoil: object, message: str) -> None:
    path = tmp_path / "catalog.sqlite"
    assert callable(spoil)
    spoil(path)
    with pytest.raises(Refused, match=message) as caught:
        Catalog.open(path, check=True)
    assert "\n" not in caught.value.message
