"""What archives say about themselves: whole, without secrets, and enough to bring a VM back with nothing but borg."""

import io
import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from borg_cluster import config
from borg_cluster.simulator import story
from tests.e2e.conftest import Shop

NAMES = {"manifest.json", "inventory.json", "config.yaml", "patterns", "RESTORE.txt"}
LINES = """
  last: {kind: volumes, volumes: [Volume2]}
commands:
  - {before: vm, run: ["test hunter-in-a-command"]}
"""


def members(shop: Shop, archive: str) -> dict[str, bytes]:
    """Return the files of an archive as borg itself hands them out."""
    with tarfile.open(fileobj=io.BytesIO(shop.site.borg("export-tar", f"::{archive}", "-"))) as tar:
        return {one.name: file.read() for one in tar if (file := tar.extractfile(one)) is not None}


def notes(shop: Shop, archive: str) -> dict[str, str]:
    found = members(shop, archive)
    return {path.partition("/")[2]: text.decode() for path, text in found.items() if path.startswith(".borg-cluster/")}


def newest(shop: Shop) -> str:
    name: str = shop.ask("list")["archives"][-1]["archive"]
    return name


def test_an_archive_holds_all_that_explains_it(window: Shop, tmp_path: Path) -> None:
    archive = newest(window)
    found = notes(window, archive)
    vm_id = window.cluster.find_vm(story.QUOTED)
    assert found.keys() == NAMES
    assert all(word in found["RESTORE.txt"] for word in (vm_id, archive, str(window.site.repository), "O''Brien"))
    kept = tmp_path / "config.yaml"
    kept.write_text(found["config.yaml"], encoding="utf-8")
    assert config.load(kept) == config.load(window.site.configuration)
    disks = [line for line in found["patterns"].splitlines() if line.endswith(".vhdx")]
    assert disks
    assert all("/./" in line for line in disks)


def test_no_secret_gets_into_an_archive(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shop.site.configuration.parent
    secrets = [(folder / name).read_text(encoding="utf-8") for name in ("passphrase", "node-password")]
    monkeypatch.setenv("HUNTER", secrets[0])
    monkeypatch.setenv("BORG_PASSPHRASE", "hunter-in-the-environment")
    text = shop.site.configuration.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^encryption_passphrase:.*$", 'encryption_passphrase: "{env HUNTER}"', text)
    shop.site.configuration.write_text(f"{text}{LINES}# hunter-in-a-comment\n", encoding="utf-8")
    done = shop.run("create", "one", "last")
    assert done.code in {0, 1}, done.err
    for one in shop.ask("list")["archives"]:
        about = shop.site.borg("info", "--json", f"::{one['archive']}")
        for path, content in {"info": about, **members(shop, one["archive"])}.items():
            for secret in (*secrets, "hunter-"):
                assert secret.encode() not in content, f"{path} of {one['archive']}"
    volume = notes(shop, next(one["archive"] for one in shop.ask("list")["archives"] if one["name"] == "Volume2"))
    assert volume.keys() == NAMES
    assert "{env HUNTER}" in volume["config.yaml"]
    assert "# left out: commands.run" in volume["config.yaml"]
    assert "the files of Volume2" in volume["RESTORE.txt"]
    shown = shop.run("patterns", "show", "Volume2").out.splitlines()
    lines = [line for line in volume["patterns"].splitlines() if not line.startswith("#")]
    assert lines
    assert set(lines) <= set(shown)


def test_the_shell_lines_of_the_runbook_bring_the_files_out(window: Shop, tmp_path: Path) -> None:
    text = notes(window, newest(window))["RESTORE.txt"]
    first = text.partition("\n1. ")[2].partition("\n2. ")[0]
    script = "\n".join(line for line in first.splitlines() if re.match(r"    (export|mkdir|borg) ", line))
    environment = {name: value for name, value in window.site.borg_environment.items() if name != "BORG_REPO"}
    subprocess.run(
        ["bash", "-euc", script], cwd=tmp_path, env={"PATH": os.environ["PATH"], **environment}, check=True, capture_output=True
    )
    places = re.findall(r"    (\S.*)\n        belongs at (.*?)  \(", first)
    assert any(path.endswith(".vhdx") for path, _ in places)
    stored = members(window, newest(window))
    for path, windows in places:
        assert (tmp_path / "restored" / path).read_bytes() == stored[path]
        assert window.stage.real_path(windows).exists()


def test_an_extraction_leaves_none_of_it_beside_the_files(window: Shop, tmp_path: Path) -> None:
    assert window.run("extract", story.QUOTED, "--to", str(tmp_path / "out")).code == 0
    assert not list((tmp_path / "out").rglob(".borg-cluster"))
