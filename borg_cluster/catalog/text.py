"""Inventories and manifests as JSON, the same text for equal values.

All non-ASCII is escaped: a Linux file name that is no UTF-8 is held as lone surrogates, which no encoder takes otherwise.
"""

import json
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from borg_cluster.core.archive import Manifest
from borg_cluster.core.inventory import Inventory


def inventory_to_json(inventory: Inventory) -> str:
    """Return an inventory as JSON text."""
    plain = _adapter(Inventory).dump_python(inventory, mode="json")
    for vm in plain["virtual_machines"]:
        for file in vm["files"]:
            file["sources"].sort()  # a set has no order of its own
    return _text(plain)


def inventory_from_json(text: str | bytes) -> Inventory:
    """Return the inventory of such a text. Raises ValueError, naming what is wrong."""
    inventory: Inventory = _adapter(Inventory).validate_python(json.loads(text))
    return inventory


def manifest_to_json(manifest: Manifest) -> str:
    """Return a manifest as JSON text."""
    return _text(_adapter(Manifest).dump_python(manifest, mode="json"))


def manifest_from_json(text: str | bytes) -> Manifest:
    """Return the manifest of such a text. Raises ValueError, naming what is wrong."""
    manifest: Manifest = _adapter(Manifest).validate_python(json.loads(text))
    return manifest


def _text(plain: object) -> str:
    return json.dumps(plain, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - functools.cache is blind to type variables
    return TypeAdapter(kind)
