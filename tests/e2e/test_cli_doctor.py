"""`borg-cluster doctor` on a whole served site: each thing that can be wrong is one line, with what to type."""

import pytest

from borg_cluster import borg_starter, changed_blocks
from borg_cluster.simulator.faults import Fault
from tests.e2e.conftest import Done, Shop


def not_fine(done: Done) -> dict[tuple[str, str], dict[str, str]]:
    """Return what --json tells of what isn't fine, by subject and what."""
    assert done.document["kind"] == "doctor"
    return {(one["subject"], one["what"]): one for one in done.document["findings"] if one["result"] != "fine"}


def test_all_is_fine_in_one_line_each(window: Shop) -> None:
    window.cluster.faults.clear()
    done = window.run("doctor")
    assert (done.code, done.err) == (0, ""), done.out
    lines = done.out.splitlines()
    for node in window.cluster.node_names:
        for what in ("reachable", "login", "module: 0.1.0", "right cluster_read", "right volume_write", "VSS writer"):
            assert f"fine    {node}: {what}" in lines
    assert sum(line.endswith(": writable") for line in lines) == 2
    assert sum(": opens" in line for line in lines) == 1
    assert "fine    borg: reads only what changed of disks: 1.4.5, as it was tried" in lines


def test_json_is_one_document(window: Shop) -> None:
    done = window.run("doctor", "--json")
    assert done.code == 0, done.err
    assert not_fine(done) == {}
    assert {one["subject"] for one in done.document["findings"]} >= set(window.cluster.node_names)


def test_each_wrong_thing_is_told_and_hinted(shop: Shop) -> None:
    node1, node2, node3 = (shop.cluster.node(name) for name in shop.cluster.node_names)
    node1.denied, node1.unknown_rights = ["cluster_full", "administrator"], ["vss"]
    node1.writers[0].state, node1.writers[0].failure_code = 8, "0x800423F4"
    node2.denied, node2.module_version = ["hyper_v"], "0.0.9"
    shop.cluster.node_down(node3.name)
    done = shop.run("--json", "doctor")
    found = not_fine(done)
    assert {key: one["result"] for key, one in found.items()} == {
        ("node1", "right cluster_full"): "warning",
        ("node1", "right vss"): "warning",
        ("node1", "VSS writer"): "warning",
        ("node2", "right hyper_v"): "failed",
        ("node2", "module"): "warning",
        ("node3", "up"): "warning",
    }
    assert node1.identity in found["node1", "right cluster_full"]["hint"]
    assert "Grant-ClusterAccess" in found["node1", "right cluster_full"]["hint"]
    assert "on node2: Add-LocalGroupMember" in found["node2", "right hyper_v"]["hint"]
    assert "Install-BorgCluster.ps1" in found["node2", "module"]["hint"]
    assert done.code == 3


def test_only_warnings_exit_with_one(shop: Shop) -> None:
    shop.cluster.node("node1").denied.append("cluster_full")
    done = shop.run("doctor")
    assert done.code == 1
    (line,) = (line for line in done.out.splitlines() if line.startswith("warning"))
    assert line.startswith("warning node1: right cluster_full")


@pytest.mark.parametrize(("kind", "what"), [("refuse_login", "login"), ("old_schema", "module")])
def test_how_far_one_comes_with_a_node(shop: Shop, kind: str, what: str) -> None:
    fault = shop.cluster.faults.add(Fault(kind=kind, node="node3", repeat=True))
    done = shop.run("--json", "doctor")
    assert fault.fired
    assert set(not_fine(done)) == {("node3", what)}
    assert done.code == 3


def test_mounts_and_repositories(shop: Shop) -> None:
    text = shop.site.configuration.read_text(encoding="utf-8")
    repository, absent = shop.site.folder / "repository", shop.site.folder / "not mounted"
    found_first = not_fine(shop.run("--json", "doctor"))
    assert found_first == {}
    mount = next(iter(path for path in mounts_of(shop) if path in text))
    shop.site.configuration.write_text(text.replace(mount, str(absent)), encoding="utf-8")
    found = not_fine(shop.run("--json", "doctor"))
    assert {(subject, one["result"]) for (subject, _), one in found.items()} == {(str(absent), "failed")}
    absent.mkdir()
    (one,) = not_fine(shop.run("--json", "doctor")).values()
    assert one["detail"] == "it is empty"
    shop.site.configuration.write_text(text, encoding="utf-8")
    repository.rename(repository.with_name("elsewhere"))
    (broken,) = not_fine(shop.run("--json", "doctor")).values()
    assert (broken["what"], broken["result"]) == ("opens", "failed")


def test_a_borg_by_which_all_is_read_is_told_with_the_reason(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    text = shop.site.configuration.read_text(encoding="utf-8")
    other = shop.site.folder / "elsewhere" / "borg"
    other.parent.mkdir()
    other.write_bytes(borg_starter.BESIDE.read_bytes())
    other.chmod(0o700)
    changed = text.replace(str(borg_starter.BESIDE), str(other))
    shop.site.configuration.write_text(changed, encoding="utf-8")
    (told,) = not_fine(shop.run("--json", "doctor")).values()
    assert told["result"] == "warning"
    assert told["detail"] == f"borg: executable: is {other}, not the Borg that is installed with us; each disk is read in full"
    assert told["hint"] == "leave borg: executable: out, or say changed_blocks: never"
    shop.site.configuration.write_text(text, encoding="utf-8")
    patched = shop.site.folder / "patched"
    patched.mkdir()
    (patched / "sitecustomize.py").write_text("import borg\nborg.__version__ = '1.4.77'\n", encoding="utf-8")
    monkeypatch.setattr(changed_blocks, "PROGRAM", ("env", f"PYTHONPATH={patched}", *changed_blocks.PROGRAM))
    (told,) = not_fine(shop.run("--json", "doctor")).values()
    assert told["detail"] == "borg 1.4.77 has not been tried with it; each disk is read in full"
    assert told["hint"] == "pip install borgbackup==1.4.5 where borg-cluster is, or say changed_blocks: never"


def mounts_of(shop: Shop) -> list[str]:
    """Return the places of the mounts, as doctor tells them."""
    findings = shop.ask("doctor")["findings"]
    return [one["subject"] for one in findings if one["what"] == "writable"]


def test_no_node_at_all(shop: Shop) -> None:
    for node in shop.cluster.node_names:
        shop.cluster.node_down(node, fail_over=False)
    done = shop.run("--json", "doctor")
    assert done.code == 3, "mounts and repositories are fine"
    assert [what for _, what in not_fine(done)] == ["reachable"]
