"""SIGKILL and SIGTERM at counted events of the child: the repository is sound, and the next archive right."""

import random
from pathlib import Path

import pytest

from tests.changed_site import ChangedSite
from tests.e2e.test_changed_blocks import killed_once, make_disk

pytestmark = pytest.mark.timeout(600)
EVENTS = {
    "borg.cache:LocalCache.chunk_incref": 7,
    "borg.cache:LocalCache.seen_chunk": 9,
    "borg.cache:LocalCache.begin_txn": 1,
    "borg.repository:Repository.put": 4,
    "borg.repository:Repository.get": 4,
    "borg.repository:Repository.commit": 1,
    "borg.archive:Archive.add_item": 2,
    "borg.archive:Archive.save": 1,
    "borg.archive:Archive.iter_items": 1,
    "borg.cache:LocalCache.commit": 1,
}
_CHANCE = random.Random(14)  # noqa: S311 - which of them
CASES = [(event, _CHANCE.randint(1, most), name) for event, most in EVENTS.items() for name in ("SIGKILL", "SIGTERM", "SIGKILL")]


@pytest.mark.parametrize(("event", "number", "name"), CASES)
def test_killed_anywhere(tmp_path: Path, event: str, number: int, name: str) -> None:
    site = ChangedSite(tmp_path, encryption="repokey-blake2")
    make_disk(site.folder / "a.vhdx")
    killed_once(site, event, number, name)
