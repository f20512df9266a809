"""Any inventory survives its JSON and the catalog."""

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings

from borg_cluster.catalog import Catalog, inventory_from_json, inventory_to_json
from borg_cluster.core.inventory import Inventory
from tests.strategies import inventories


@settings(max_examples=100)
@given(inventory=inventories)
def test_an_inventory_and_its_json(inventory: Inventory) -> None:
    text = inventory_to_json(inventory)
    assert inventory_from_json(text) == inventory
    assert inventory_to_json(inventory_from_json(text)) == text
    assert text.isascii()
    assert len(json.loads(text)["virtual_machines"]) == len(inventory.virtual_machines)


@settings(max_examples=20, deadline=None)
@given(before=inventories, after=inventories)
def test_the_catalog_gives_back_the_newest_and_tells_nothing_twice(before: Inventory, after: Inventory) -> None:
    with tempfile.TemporaryDirectory() as folder, Catalog.open(Path(folder) / "catalog.sqlite") as catalog:
        changes = [catalog.record_inventory(each) for each in (before, after, after)]
        latest = catalog.latest_inventory(after.cluster)
        assert latest == after
        assert changes[2] == ()
        told = [it for each in changes for it in each]
        assert [it for cluster in {before.cluster, after.cluster} for it in catalog.history(cluster)] == told or (
            before.cluster != after.cluster
        )
