"""Files of a volume's archive, put back by real borg where the volume is now: what refuses it, and what a dead one left."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from borg_cluster.catalog import Catalog
from borg_cluster.claim_holder import process
from borg_cluster.context import Context
from borg_cluster.core.backup_plan import plan_backup
from borg_cluster.core.event import Event, Warned
from borg_cluster.core.policy import Job, JobKind, Selection
from borg_cluster.create import create
from borg_cluster.discover import discover
from borg_cluster.errors import BorgClusterError, Refused
from borg_cluster.extract import volume as extraction
from borg_cluster.extract.volume import extract_volume, plan_volume
from borg_cluster.hookspecs import hookimpl
from borg_cluster.simulator.making import noise
from borg_cluster.simulator.state import SimulatedCluster
from tests import direct
from tests.e2e.borg_site import make_site
from tests.e2e.restore_site import policy_of

_JOB = Job(
    name="loose",
    kind=JobKind.VOLUMES,
    repository="main",
    select=Selection(include=(), exclude=()),
    volumes=("Volume1",),
    max_age=None,
    compression="lz4",
    chunker_params=None,
    extra_borg_options=(),
)
_FILES = {"ISO/tools.iso": noise("tools", 65536), "ISO/a 'b' $(x)\n/readme": b"read me", "scripts/run.ps1": b"exit"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loose:
    """A cluster whose first volume has an archive of the files that are no VM's."""

    cluster: SimulatedCluster
    context: Context
    top: Path

    def files(self) -> dict[str, bytes]:
        """Return what lies on the volume."""
        return {path.relative_to(self.top).as_posix(): path.read_bytes() for path in self.top.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def loose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loose]:
    folder = tmp_path_factory.mktemp("loose")
    cluster = SimulatedCluster.create(folder / "cluster", nodes=("node1", "node2"))
    for name, content in _FILES.items():
        path = cluster.volume_folder("Volume1") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    borg = make_site(folder)
    events: list[Event] = []
    with Catalog.open(folder / "catalog.sqlite") as catalog:
        context = direct.context(cluster, catalog, folder / "state", events=events, clock=direct.Clock())
        context = replace(context, policy=replace(policy_of(context.policy, borg), jobs=(_JOB,)))
        inventory = discover(context)
        at = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
        run_id = "20260301-0200-4000-8000-000000000001"
        plan = plan_backup(inventory, context.policy, jobs=("loose",), good=(), at=at, run_id=run_id)
        assert create(context, plan, inventory).failed == 0, events
        yield Loose(cluster=cluster, context=context, top=cluster.volume_folder("Volume1"))


def test_the_whole_volume_comes_back_to_its_place(loose: Loose) -> None:
    (loose.top / "ISO/tools.iso").write_bytes(b"spoilt")
    (loose.top / "scripts/run.ps1").unlink()
    planned = plan_volume(loose.context, "Volume1", ())
    assert extract_volume(loose.context, planned, overwrite=True) == len(_FILES)
    assert loose.files() == _FILES


@pytest.mark.parametrize("way", ["the same folder", "elsewhere"])
def test_a_plugin_may_say_by_which_path_a_volumes_files_are_written_but_not_those_to_a_folder(
    loose: Loose, tmp_path: Path, way: str
) -> None:
    asked: list[Path] = []
    said: list[Event] = []

    class Mounts:
        @hookimpl
        def open_target(self, folder: Path) -> AbstractContextManager[Path]:
            asked.append(folder)
            link = tmp_path / "writable"
            if way == "elsewhere":
                link.mkdir()
            else:
                link.symlink_to(folder.parent.parent)
            return nullcontext(link.joinpath(*folder.parts[-2:]))

    context = replace(loose.context, emit=said.append)
    context.plugins.register(Mounts(), name="mounts")
    try:
        elsewhere = plan_volume(context, "Volume1", ("ISO",), destination=tmp_path / "to")
        assert extract_volume(context, elsewhere) > 0
        assert asked == []
        shutil.rmtree(loose.top / "scripts")
        assert extract_volume(context, plan_volume(context, "Volume1", ("scripts",))) == 1
    finally:
        context.plugins.unregister(name="mounts")
    assert len(asked) == 1
    assert loose.files() == _FILES
    told = [event.message for event in said if isinstance(event, Warned)]
    assert ["is not /" in message for message in told] == ([True] if way == "elsewhere" else [])


def test_a_node_that_is_silent_may_hold_a_file_that_is_there(loose: Loose) -> None:
    bridge = loose.context.bridge
    assert isinstance(bridge, direct.DirectBridge)
    planned = plan_volume(loose.context, "Volume1", ("ISO",))
    name = f"node2.{loose.cluster.domain}"
    bridge.refuse(name)
    try:
        with pytest.raises(Refused, match=r"node2 gave no report, and may hold .*: .*does not answer") as caught:
            extract_volume(loose.context, planned, overwrite=True)
        assert caught.value.hint
        (loose.top / "scripts/run.ps1").unlink()
        absent = plan_volume(loose.context, "Volume1", ("scripts",))
        assert extract_volume(loose.context, absent) == 1, "nobody holds what is not there"
    finally:
        del bridge.aliases[name]
    assert loose.files() == _FILES


def test_a_link_that_leads_out_of_the_volume_is_refused_before_anything_is_done(loose: Loose, tmp_path: Path) -> None:
    (loose.top / "ISO").rename(loose.top / "kept")
    (loose.top / "ISO").symlink_to(tmp_path)
    try:
        with pytest.raises(Refused, match=rf"a link leads .*ISO/.* out of .*, to {tmp_path}") as caught:
            plan_volume(loose.context, "Volume1", ("ISO", "scripts"))
        assert "--to DIR" in (caught.value.hint or "")
        assert list(tmp_path.iterdir()) == []
    finally:
        (loose.top / "ISO").unlink()
        (loose.top / "kept").rename(loose.top / "ISO")


def test_a_link_that_comes_meanwhile_stops_it_before_that_file(
    loose: Loose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prove = vars(extraction)["_prove"]

    def then_link(planned: extraction.VolumeExtraction, folder: Path) -> None:
        prove(planned, folder)
        (loose.top / "ISO").rename(loose.top / "kept")
        (loose.top / "ISO").symlink_to(tmp_path)

    monkeypatch.setattr(extraction, "_prove", then_link)
    planned = plan_volume(loose.context, "Volume1", ("ISO",))
    try:
        with pytest.raises(BorgClusterError, match=r"a link has come to lead .*ISO/.* out of .*; 0 files are in place"):
            extract_volume(loose.context, planned, overwrite=True)
        assert list(tmp_path.iterdir()) == []
    finally:
        (loose.top / "ISO").unlink()
        (loose.top / "kept").rename(loose.top / "ISO")
    assert loose.files() == _FILES


def test_what_a_dead_process_staged_goes_and_what_a_live_one_stages_stays(loose: Loose) -> None:
    gone = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    dead, alive = process(gone.pid), process(os.getpid())
    gone.communicate(b"\n")
    own = loose.top / ".borg-cluster"
    for name, holder in (("dead", dead), ("alive", alive), ("elsewhere", "borg-cluster on another, pid 1")):
        folder = own / f"volume-{name}"
        (folder / "staged" / "ISO").mkdir(parents=True)
        (folder / "staged" / "ISO" / "half").write_bytes(b"half")
        (folder / "holder").write_text(holder, encoding="utf-8")
    extract_volume(loose.context, plan_volume(loose.context, "Volume1", ("scripts",)), overwrite=True)
    assert sorted(path.name for path in own.iterdir()) == ["volume-alive", "volume-elsewhere"]
    shutil.rmtree(own)
    assert loose.files() == _FILES
