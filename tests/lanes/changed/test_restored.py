"""A VM that was restored, as it is typed, on the real wire: its disks have another history, and the next night reads all."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from borg_cluster.simulator import story
from tests.e2e.conftest import Shop

pytestmark = pytest.mark.timeout(600)
VM = story.QUOTED


def night(shop: Shop) -> Any:
    """Make the next archive of the VM; return what it was taken over from, and why it was read in full."""
    assert shop.run("create", "one").code == 0
    return shop.ask("info", VM)["changed_blocks"]


def disks(folder: Path) -> set[str]:
    """Return the hashes of the disks in a folder."""
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.vhdx")}


@pytest.mark.parametrize("how", [(), ("--disks-only",)])
def test_the_night_after_a_restore_reads_in_full_and_says_why(shop: Shop, tmp_path: Path, how: tuple[str, ...]) -> None:
    vm_id = shop.cluster.find_vm(VM)
    night(shop)
    shop.cluster.guest_write(vm_id, offset=12345, data=b"before the restore")
    assert night(shop)["unread"] > 0
    restore = shop.ask("extract", VM, "--yes", *how)["id"]
    shop.cluster.guest_write(vm_id, offset=54321, data=b"since the restore")
    then = disks(shop.cluster.real_path(shop.cluster.machine(vm_id).home))
    after = night(shop)
    assert (after["base"], after["unread"]) == (None, 0)
    assert after["reasons"] == [f"it was restored since its base archive was made ({restore})"]
    assert shop.run("extract", VM, "--to", str(tmp_path / "out")).code == 0
    assert disks(tmp_path / "out") == then
    again = night(shop)
    assert (again["reasons"], again["unread"] > 0) == ([], True)


def test_a_restore_that_is_undone_is_another_history_again(shop: Shop) -> None:
    night(shop)
    first = shop.ask("extract", VM, "--disks-only", "--yes")["id"]
    night(shop)
    assert night(shop)["reasons"] == []
    assert shop.run("undo", first).code == 0
    assert night(shop)["reasons"] == [f"it was restored since its base archive was made ({first})"]
    assert night(shop)["reasons"] == []
