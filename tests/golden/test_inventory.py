"""Reports as nodes gave them, and the inventory that becomes of them, as reviewable text."""

import json
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydantic import TypeAdapter

from borg_cluster.catalog import inventory_to_json
from borg_cluster.core.inventory import FindingCode, Inventory, Unanswered
from borg_cluster.core.merge import merge
from borg_cluster.core.policy import Mount
from borg_cluster.core.report import ClusterReport, NodeReport, WriterReport
from tests.golden.golden import FOLDER, check

T = TypeVar("T")
REPORTS = sorted((FOLDER / "reports").glob("*.json"))
TAKEN_AT = "2026-03-01T02:00:00+00:00"


def read(path: Path) -> Inventory:
    """Return the inventory of the reports in a file."""
    said = json.loads(path.read_text(encoding="utf-8"))

    def several(kind: type[T], name: str) -> tuple[T, ...]:
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        return tuple(adapter.validate_python(item) for item in said[name])

    return merge(
        TypeAdapter(ClusterReport).validate_python(said["cluster"]),
        several(NodeReport, "nodes"),
        several(WriterReport, "writers"),
        several(Unanswered, "unanswered"),
        writers_unanswered=several(Unanswered, "writers_unanswered"),
        mounts=several(Mount, "mounts"),
        taken_at=TAKEN_AT,
    )


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_the_inventory_of_recorded_reports(path: Path) -> None:
    inventory = read(path)
    told = [f"{found.severity.value:8}{found.code.value:28}{found.message}\n" for found in inventory.findings]
    check(f"inventories/{path.stem}.findings.txt", "".join(told))
    text = json.dumps(json.loads(inventory_to_json(inventory)), indent=1, sort_keys=True, ensure_ascii=False)
    check(f"inventories/{path.stem}.json", text + "\n")


def test_the_recorded_trouble_has_every_finding() -> None:
    found = {it.code for path in REPORTS for it in read(path).findings}
    assert found == set(FindingCode)
