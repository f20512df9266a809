"""A night over SMB: a real smbd serves the cluster's storage, the smb_mount plugin mounts it, the real borg reads it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from borg_cluster.shipped import shipped
from borg_cluster.simulator import story
from borg_cluster.simulator.making import DiskSpec
from borg_cluster.simulator.vhdx import MIB
from tests.e2e.conftest import Shop, open_shop
from tests.lanes.samba.server import Samba, serve

pytestmark = pytest.mark.timeout(600)
IMPATIENT = ["--contimeout", "2s", "--timeout", "5s", "--low-level-retries", "1"]
"""More words for rclone: in a test nobody waits for minutes until a dead server counts as dead."""
KILLER = """
import os, pathlib, signal
from borg_cluster.core.event import Progress
from borg_cluster.hookspecs import hookimpl

FIRED = pathlib.Path(__file__).with_suffix(".fired")

@hookimpl
def on_event(event):
    if isinstance(event, Progress) and 0 < event.done < event.total and not FIRED.exists():
        FIRED.write_text(f"{event.done} of {event.total}")
        os.killpg(int(os.environ["SMBD"]), signal.SIGKILL)
"""


class Night:
    """A site whose volumes are reached through SMB alone."""

    def __init__(self, shop: Shop, samba: Samba, folder: Path) -> None:
        self.shop, self.samba, self.folder = shop, samba, folder
        self.hooks = folder / "hooks.d"
        self.hooks.mkdir()
        shutil.copy(shipped("hooks") / "smb_mount.py", self.hooks)
        text = shop.site.configuration.read_text(encoding="utf-8")
        self.mounts = []
        for volume in ("Volume1", "Volume2"):
            mount, real = folder / "mnt" / volume, shop.cluster.real_path(f"C:\\ClusterStorage\\{volume}")
            assert str(real) in text
            text = text.replace(str(real), str(mount))
            self.mounts.append((mount, real.relative_to(shop.cluster.folder)))
        shop.site.configuration.write_text(text, encoding="utf-8")

    def mount_by(self, tool: str, **more: object) -> None:
        """Write the plugin's settings."""
        credentials = str(self.samba.credentials())
        entries = [
            {"path": str(path), "share": f"{self.samba.share}/{below}", "tool": tool, "credentials": credentials, **more}
            for path, below in self.mounts
        ]
        (self.hooks / "smb_mount.yaml").write_text(json.dumps({"mounts": entries}), encoding="utf-8")

    def nothing_is_left(self) -> bool:
        """Whether nothing is mounted, nobody mounts, and no snapshot is ours."""
        running = subprocess.run(["pgrep", "-f", f"rclone mount.*{self.folder}"], capture_output=True, check=False).stdout
        ours = [one for vm in self.shop.cluster.state.machines for one in vm.definition.snapshots()]
        return not running and not ours and not any(os.path.ismount(path) for path, _ in self.mounts)


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    if not os.access("/dev/fuse", os.W_OK):
        pytest.skip("/dev/fuse is not to be had here")
    with open_shop(tmp_path / "shop") as shop, serve(shop.cluster.folder, tmp_path / "samba") as samba:
        night = Night(shop, samba, tmp_path)
        monkeypatch.setattr("borg_cluster.plugins.load.__defaults__", (night.hooks,))
        yield night
        assert night.nothing_is_left()


def stored(night: Night, archive: str) -> dict[str, bytes]:
    """Return what an archive holds, by borg itself."""
    site = night.shop.site
    return {path: site.borg("extract", "--stdout", f"::{archive}", path) for path in site.files_of(archive)}


def test_rclone_serves_a_night(night: Night) -> None:
    night.mount_by("rclone")
    shop = night.shop
    with shop.site.configuration.open("a", encoding="utf-8") as file:
        file.write("plugins: {patience: 120}\n")
    off = shop.cluster.find_vm("legacy")
    text = shop.site.configuration.read_text(encoding="utf-8")
    shop.site.configuration.write_text(text.replace("{name: sql01}", "{name: legacy}"), encoding="utf-8")

    made = shop.ask("create", "two")

    assert (made["failed"], len(made["archives"])) == ([], 2), made
    assert not any(archive["warnings"] for archive in made["archives"])
    (archive,) = (one["archive"] for one in made["archives"] if one["subject"] == off)
    files = stored(night, archive)
    machine = shop.cluster.machine(off)
    paths = [machine.configuration_path, *machine.definition.disk_paths()]
    for path in paths:
        name = path.removeprefix("C:\\ClusterStorage\\").replace("\\", "/")
        assert files[name] == shop.cluster.real_path(path, machine.node).read_bytes(), name
    for one in made["archives"]:
        assert shop.run("verify", one["name"]).code == 0


def test_a_whole_volume_is_read_through_rclone(night: Night) -> None:
    night.mount_by("rclone")
    shop = night.shop
    text = shop.site.configuration.read_text(encoding="utf-8")
    text = text.replace("    max_age: 8d\n", "    max_age: 8d\n    extra_borg_options: [--noxattrs, --noacls]\n")
    shop.site.configuration.write_text(text, encoding="utf-8")

    made = shop.ask("create", "weekly")

    assert (made["failed"], len(made["archives"])) == ([], 2), made
    (archive,) = (one["archive"] for one in made["archives"] if one["subject"] == "Volume1")
    stray = story.STRAY.removeprefix("C:\\ClusterStorage\\").replace("\\", "/")
    assert shop.site.borg("extract", "--stdout", f"::{archive}", stray) == shop.cluster.real_path(story.STRAY).read_bytes()


def test_a_share_that_vanishes_fails_the_vm_and_nothing_thin_stands(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    night.mount_by("rclone", options=IMPATIENT)
    shop = night.shop
    disk = DiskSpec(size=512 * MIB, fixed=True, content=400 * MIB)
    shop.cluster.add_vm("large", node="node1", disks=(disk,))
    text = shop.site.configuration.read_text(encoding="utf-8")
    shop.site.configuration.write_text(text.replace("{name: sql01}", "{name: large}"), encoding="utf-8")
    (night.hooks / "killer.py").write_text(KILLER, encoding="utf-8")
    monkeypatch.setenv("SMBD", str(night.samba.process.pid))

    done = shop.run("create", "two")

    fired = night.hooks / "killer.fired"
    assert fired.exists(), done.err
    assert done.code in {2, 3}, done.err
    assert "large" in done.err
    assert "Input/output error" in done.err or "can't be looked at" in done.err or "is missing" in done.err, done.err
    archives = shop.site.borg("list", "--format", "{name}{NL}").decode().splitlines()
    assert not any(shop.cluster.find_vm("large") in name for name in archives if not name.endswith(".checkpoint")), archives
    assert not any(one["name"] == "large" for one in shop.ask("list")["archives"])


def test_a_server_that_is_not_there_is_a_reason(night: Night) -> None:
    night.mount_by("rclone", options=IMPATIENT)
    night.samba.kill()

    done = night.shop.run("create", "one")

    assert done.code == 2, done.err
    told = " ".join(done.err.split())
    assert "smb_mount.py failed on RunStarted" in told
    assert "not there: " in told
    assert night.shop.ask("list")["archives"] == []


def test_a_wrong_password_is_a_reason_and_never_shown(night: Night) -> None:
    night.mount_by("rclone", options=IMPATIENT)
    (night.samba.folder / "credentials").write_text(f"username={night.samba.username}\npassword=hunter2\n", encoding="utf-8")

    done = night.shop.run("create", "one")

    assert done.code == 2, done.err
    assert "did not mount" in done.err
    assert "hunter2" not in done.err


def test_cifs_serves_a_night(night: Night) -> None:
    if "\tcifs\n" not in Path("/proc/filesystems").read_text(encoding="utf-8"):
        subprocess.run(["modprobe", "cifs"], capture_output=True, check=False)
    if "\tcifs\n" not in Path("/proc/filesystems").read_text(encoding="utf-8"):
        pytest.skip("this kernel has no cifs")
    night.mount_by("cifs", without=["multichannel", "max_channels"], options=[f"port={night.samba.port}"])

    made = night.shop.ask("create", "one")

    assert (made["failed"], len(made["archives"])) == ([], 1), made
    assert night.shop.run("verify", made["archives"][0]["name"]).code == 0
