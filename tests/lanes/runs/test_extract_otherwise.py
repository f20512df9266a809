"""`extract --stdout` and `extract --volume` as they are typed: bytes and files, and no virtual machine touched."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from borg_cluster.simulator import story
from borg_cluster.simulator.making import noise
from tests.e2e.conftest import Shop, open_shop

VM = story.QUOTED
JOB = """
  loose: # what lies on the volumes and is no VM's; the VM's files that have no archive lie there too
    kind: volumes
"""
ISO = noise("an installer", 3_000_000)
FILES = {"ISO/tools.iso": ISO, "ISO/a 'b' $(x)\n/readme": b"read me", "scripts/run.ps1": b"exit"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A site with archives of one VM and of all volumes."""
    with open_shop(tmp_path_factory.mktemp("volumes") / "shop") as shop:
        text = shop.site.configuration.read_text(encoding="utf-8").replace("  weekly:", JOB.strip("\n") + "\n  weekly:")
        shop.site.configuration.write_text(text, encoding="utf-8")
        for name, content in FILES.items():
            path = top(shop) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        assert shop.run("create", "one").code == 0
        done = shop.run("create", "loose")
        assert done.code in {0, 1}, done.err
        yield shop


def top(shop: Shop) -> Path:
    return shop.cluster.volume_folder("Volume1")


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_file_goes_to_stdout_byte_for_byte(filled: Shop) -> None:
    files = filled.ask("extract", VM, "--to", "/nowhere", "--dry-run")["files"]
    disk = next(file for file in files if file["archive_path"].endswith("vhdx"))
    run = [sys.executable, "-m", "borg_cluster", "extract"]
    for path in (disk["archive_path"], disk["windows_path"]):
        done = subprocess.run([*run, VM, "--stdout", path], env=filled.environment, capture_output=True, check=True)
        assert len(done.stdout) == disk["size"]
        assert done.stdout.startswith(b"vhdxfile")
    done = subprocess.run(
        [*run, "--volume", "Volume1", "--stdout", "ISO/tools.iso"], env=filled.environment, capture_output=True, check=True
    )
    assert done.stdout == ISO
    process = subprocess.Popen(
        [*run, VM, "--stdout", disk["archive_path"]], env=filled.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(100)
    process.stdout.close()
    assert (process.wait(), process.stderr.read()) == (128 + 13, b"")
    process.stderr.close()


def test_files_of_a_volume_go_to_a_folder(filled: Shop, tmp_path: Path) -> None:
    before = len(filled.cluster.log)
    document = filled.ask(
        "extract", "--volume", "Volume1", "ISO", r"C:\ClusterStorage\Volume1\scripts\run.ps1", "--to", str(tmp_path)
    )
    assert document["files"] == 3
    assert tree(tmp_path) == {f"Volume1/{name}": hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    assert len(filled.cluster.log) == before, "no node is asked"
    again = filled.run("extract", "--volume", "Volume1", "ISO", "--to", str(tmp_path))
    assert again.code == 4
    assert "is there already (and 1 more)" in again.err
    assert "--overwrite" in again.err


def test_files_of_a_volume_go_to_their_places_and_replace_only_what_they_may(filled: Shop) -> None:
    (top(filled) / "ISO/tools.iso").write_bytes(b"spoilt")
    (top(filled) / "scripts/run.ps1").unlink()
    before = tree(top(filled))
    dry = filled.ask("extract", "--volume", "Volume1", "ISO", "scripts", "--dry-run")
    assert [(row["path"], row["is_there"]) for row in sorted(dry["files"], key=lambda row: row["path"])] == [
        ("Volume1/ISO/a 'b' $(x)\n/readme", True),
        ("Volume1/ISO/tools.iso", True),
        ("Volume1/scripts/run.ps1", False),
    ]
    refused = filled.run("extract", "--volume", "Volume1", "ISO", "scripts")
    assert refused.code == 4
    assert tree(top(filled)) == before

    assert filled.run("extract", "--volume", "Volume1", "scripts").code == 0
    done = filled.run("extract", "--volume", "Volume1", "ISO/tools.iso", "--overwrite")
    assert done.code == 0, done.err
    after = tree(top(filled))
    assert {name: after[name] for name in FILES} == {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    assert {name for name in after if name.startswith(".borg-cluster/volume-")} == set()


def test_a_runbook_changes_nothing(filled: Shop) -> None:
    before = tree(top(filled))
    done = filled.run("extract", VM, "--runbook")
    assert done.code in {0, 1}, done.err
    assert "as things are now" in done.out
    assert f"export BORG_REPO={filled.site.repository}" in done.out
    assert "Get-ClusterGroup -VMId $id | Stop-ClusterGroup" in done.out
    assert tree(top(filled)) == before
    assert filled.ask("restores")["restores"] == []


def test_a_file_that_a_virtual_machine_holds_is_never_written(filled: Shop) -> None:
    before = tree(top(filled))
    inventory = filled.ask("discover")
    held = {file["path"] for vm in inventory["virtual_machines"] for file in vm["files"]}
    done = filled.run("extract", "--volume", "Volume1", "--overwrite")
    assert done.code == 4
    assert any(f"{path} belongs to the virtual machine" in done.err for path in held), done.err
    assert "extract elsewhere: --to DIR" in done.err
    assert tree(top(filled)) == before


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--volume", "Volume1", "nothing/there"), 4, "holds no Volume1/nothing/there"),
        (("--volume", "Volume9"), 4, "no archive is of a volume 'Volume9'"),
        ((VM, "--stdout", "no/such/file"), 4, "holds no file no/such/file"),
        ((VM, "--stdout", "x", "--to", "y"), 64, "no other place"),
        (("--stdout", "x"), 64, "takes one virtual machine"),
        (("--volume", "Volume1", "--to-node", "node1"), 64, "only read files"),
        ((VM, "--overwrite"), 64, "--overwrite is for --volume"),
        ((VM, "--runbook", "--to", "x"), 64, "--runbook takes one virtual machine"),
        ((), 64, "say which virtual machine"),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_told(filled: Shop, words: tuple[str, ...], code: int, told: str) -> None:
    done = filled.run("extract", *words)
    assert (done.code, told in done.err) == (code, True), done.err


def test_if_no_node_answers_the_runbook_is_the_archives(shop: Shop) -> None:
    assert shop.run("create", "one").code == 0
    for node in shop.cluster.node_names:
        shop.cluster.node_down(node, fail_over=False)
    done = shop.run("extract", VM, "--runbook")
    assert done.code == 1, done.err
    assert "With borg-cluster it is one command" in done.out
    assert "nothing is known of how things are now" in done.err
    for node in shop.cluster.node_names:
        shop.cluster.node_up(node)
