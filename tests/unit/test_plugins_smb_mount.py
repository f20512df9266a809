"""The smb_mount plugin: how mount.cifs and rclone are called, that no password is an argument, and what is said when it fails.

With a real server it is tested by ``make test-samba``; here small programs stand in that note how they were called.
"""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from borg_cluster import plugins
from borg_cluster.core import event as events
from borg_cluster.errors import Vetoed
from borg_cluster.plugins import PluginManager
from borg_cluster.shipped import shipped
from tests.unit.test_plugins import archive
from tests.unit.test_plugins_notifying import STARTED, finished, observe

PASSWORD = "pa,ss'word \u00fc"
TOOL = f"""#!{sys.executable}
import json, os, pathlib, sys
here = pathlib.Path(__file__)
called = {{"argv": sys.argv, "env": dict(os.environ), "stdin": sys.stdin.read()}}
with here.with_suffix(".calls").open("a") as file:
    file.write(json.dumps(called) + "\\n")
answer = here.with_suffix(".answer")
code, _, text = (answer.read_text() if answer.exists() else "0 ").partition(" ")
(sys.stdout if code == "0" else sys.stderr).write(text)
sys.exit(int(code))
"""


class Site:
    """A hooks.d with the plugin, its settings, and programs on the PATH."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hooks, self.bin = folder / "hooks.d", folder / "bin"
        self.hooks.mkdir()
        self.bin.mkdir()
        self.credentials = folder / "credentials"
        self.credentials.write_text(f"username=backup\npassword={PASSWORD}\ndomain=EXAMPLE\n", encoding="utf-8")
        self.credentials.chmod(0o600)
        self.mount = folder / "mnt"
        shutil.copy(shipped("hooks") / "smb_mount.py", self.hooks)
        monkeypatch.setenv("PATH", str(self.bin))
        for name in ("mount.cifs", "umount", "rclone", "fusermount3"):
            (self.bin / name).write_text(TOOL, encoding="utf-8")
            (self.bin / name).chmod(0o755)

    def write(self, **entry: Any) -> PluginManager:
        """Write the settings of one mount, and load the plugin."""
        share = {"path": str(self.mount), "share": "//node1.example.test/ClusterStorage$/Volume1", **entry}
        return self.write_text(json.dumps({"mounts": [share]}))

    def write_text(self, text: str) -> PluginManager:
        """Write the settings, and load the plugin."""
        (self.hooks / "smb_mount.yaml").write_text(text, encoding="utf-8")
        return plugins.load(self.hooks)

    def calls(self, name: str) -> list[dict[str, Any]]:
        """Return how a program was called."""
        file = (self.bin / name).with_suffix(".calls")
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def answer(self, name: str, text: str) -> None:
        """Let a program end so: its exit code, and what it says."""
        (self.bin / name).with_suffix(".answer").write_text(text)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def module_of(manager: PluginManager) -> ModuleType:
    return next(plugin for name, plugin in manager.list_name_plugin() if name.endswith("smb_mount.py"))  # type: ignore[return-value]


def test_mount_cifs_gets_a_file_of_credentials_and_reads_without_a_cache(site: Site) -> None:
    manager = site.write(credentials=str(site.credentials))
    assert observe(manager, STARTED) == []
    (call,) = site.calls("mount.cifs")
    assert call["argv"][1:] == [
        "//node1.example.test/ClusterStorage$/Volume1",
        str(site.mount),
        "-o",
        f"ro,vers=3.1.1,cache=none,closetimeo=0,multichannel,max_channels=4,nosharesock,credentials={site.credentials}",
    ]
    assert PASSWORD not in json.dumps(call, ensure_ascii=False)
    assert site.mount.is_dir()


def test_mount_cifs_takes_a_kerberos_ticket_where_there_are_no_credentials(site: Site) -> None:
    assert observe(site.write(cruid=1000, options=["noperm"], without=["closetimeo", "multichannel"]), STARTED) == []
    (call,) = site.calls("mount.cifs")
    assert call["argv"][-1] == "ro,vers=3.1.1,cache=none,max_channels=4,nosharesock,sec=krb5,cruid=1000,noperm"


def test_mount_cifs_writes_with_a_cache_and_large_pieces(site: Site) -> None:
    assert observe(site.write(writable=True, credentials=str(site.credentials)), STARTED) == []
    (call,) = site.calls("mount.cifs")
    assert call["argv"][-1].startswith("rw,vers=3.1.1,cache=strict,wsize=4194304,")


def test_rclone_is_told_the_password_neither_plain_nor_as_an_argument(site: Site) -> None:
    site.answer("rclone", "0 veiled")
    manager = site.write(tool="rclone", credentials=str(site.credentials), share="\\\\node1:1445\\c$\\Volume 1", options=["-vv"])
    plugin = module_of(manager)
    (share,) = plugin.shares()
    environment = plugin.rclone_environment(share, {"PATH": str(site.bin), "SMB_MOUNT_PASSWORD": "x", "RCLONE_SMB_PASS": "y"})
    assert plugin.rclone_command(share)[:5] == ["rclone", "mount", ":smb:c$/Volume 1", str(site.mount), "--read-only"]
    assert plugin.rclone_command(share)[-1] == "-vv"
    assert {name: value for name, value in environment.items() if name.startswith("RCLONE_SMB")} == {
        "RCLONE_SMB_HOST": "node1",
        "RCLONE_SMB_PORT": "1445",
        "RCLONE_SMB_USER": "backup",
        "RCLONE_SMB_DOMAIN": "EXAMPLE",
        "RCLONE_SMB_PASS": "veiled",
    }
    assert "SMB_MOUNT_PASSWORD" not in environment
    (call,) = site.calls("rclone")
    assert (call["argv"][1:], call["stdin"]) == (["obscure", "-"], PASSWORD)


def test_rclone_may_have_its_login_from_the_environment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.answer("rclone", "0 veiled")
    plugin = module_of(site.write(tool="rclone"))
    (share,) = plugin.shares()
    with pytest.raises(ValueError, match="no username and password"):
        plugin.rclone_environment(share, {})
    login = {"SMB_MOUNT_USERNAME": "u", "SMB_MOUNT_PASSWORD": "p", "PATH": str(site.bin)}
    assert plugin.rclone_environment(share, login)["RCLONE_SMB_USER"] == "u"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mounts: 7", "smb_mount.yaml: mounts: must be a list"),
        ("mounts: [7]", "smb_mount.yaml: mount 1: no mapping means nothing here"),
        ("mounts: [{path: /x, share: //a/b, pasword: x}]", "smb_mount.yaml: mount 1: pasword means nothing here"),
        ("mounts: [{path: /x, share: //a/b}, {path: x, share: //a/b}]", "smb_mount.yaml: mount 2: needs path: /FOLDER"),
        ("mounts: [{path: /x, share: //a/b, tool: nfs}]", "smb_mount.yaml: mount 1: tool: is cifs or rclone"),
    ],
)
def test_settings_that_are_wrong_are_a_warning_with_their_place(site: Site, text: str, said: str) -> None:
    (warning,) = observe(site.write_text(text), STARTED)
    assert said in warning


def test_credentials_that_others_may_read_are_not_used(site: Site) -> None:
    site.credentials.chmod(0o644)
    (warning,) = observe(site.write(credentials=str(site.credentials)), STARTED)
    assert f"chmod 600 {site.credentials}" in warning
    assert site.calls("mount.cifs") == []


@pytest.mark.parametrize("tool", ["cifs", "rclone"])
def test_what_can_not_be_mounted_is_a_warning_of_a_backup_and_stops_a_restore(site: Site, tool: str) -> None:
    site.answer("mount.cifs", "32 mount error(13): Permission denied\nRefer to the manual page")
    manager = site.write(tool=tool, credentials=str(site.credentials))
    if tool == "rclone":
        site.answer("rclone", "1 x\nFatal error: failed to mount")  # for `rclone obscure` it fails already
    (warning,) = observe(manager, STARTED)
    assert "smb_mount.py failed on RunStarted: " in warning
    assert tool == "rclone" or f"{site.mount}: mount.cifs ended with 32: mount error(13): Permission denied" in warning
    with pytest.raises(Vetoed, match=r"smb_mount\.py failed in before_extract"):
        manager.check_extract(None)  # type: ignore[arg-type] # it does not look at the plan


def test_what_is_not_installed_is_named(site: Site) -> None:
    (site.bin / "mount.cifs").unlink()
    (warning,) = observe(site.write(credentials=str(site.credentials)), STARTED)
    assert "mount.cifs is not installed" in warning


def test_only_what_it_mounted_is_let_go_of_and_only_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = site.write(credentials=str(site.credentials))
    plugin = module_of(manager)
    state = {"mounted": True}
    monkeypatch.setattr(plugin.os.path, "ismount", lambda path: path == str(site.mount) and state["mounted"])
    assert observe(manager, STARTED, finished(0)) == []
    assert (site.calls("mount.cifs"), site.calls("umount")) == ([], [])  # somebody else's

    state["mounted"] = False
    assert observe(manager, STARTED) == []
    state["mounted"] = True
    assert observe(manager, STARTED) == []  # it is there already
    assert len(site.calls("mount.cifs")) == 1
    assert observe(manager, finished(0)) == []
    assert [call["argv"][1:] for call in site.calls("umount")] == [["--lazy", str(site.mount)]]
    state["mounted"] = False
    assert observe(manager, finished(0)) == []
    assert len(site.calls("umount")) == 1


def test_a_share_that_went_is_mounted_again_before_an_archive_is_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = site.write(credentials=str(site.credentials))
    monkeypatch.setattr(module_of(manager).os.path, "ismount", lambda _: False)
    elsewhere = archive()
    inside = replace(elsewhere, roots=((str(site.mount / "sub"), "Volume1"),))
    with manager.open_source(elsewhere, owner=lambda: None) as opened:
        assert opened == elsewhere
    assert site.calls("mount.cifs") == []
    for number in (1, 2):
        with manager.open_source(inside, owner=lambda: None) as opened:
            assert opened == inside
        assert len(site.calls("mount.cifs")) == number


def test_a_step_of_a_restore_mounts_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = site.write(credentials=str(site.credentials), writable=True)
    step = events.StepBegun(restore_id="r", step="stage", number=2, total=9, message="")
    assert observe(manager, step) == []
    assert len(site.calls("mount.cifs")) == 1


def test_without_settings_nothing_is_mounted(site: Site) -> None:
    assert observe(plugins.load(site.hooks), STARTED, finished(0)) == []
    assert site.calls("mount.cifs") == []
