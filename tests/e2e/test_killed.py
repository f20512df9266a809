"""A night that is killed over the real wire, and one whose catalog is damaged; the lane 'kill' has seventy more."""

from collections.abc import Iterator

import pytest

from tests.e2e.kill_site import Kill, KillSite, open_kill_site

KILLS = [Kill(who="both", at="put", number=9)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillSite]:
    with open_kill_site(tmp_path_factory.mktemp("killed") / "site") as opened:
        yield opened


@pytest.mark.parametrize("kill", KILLS, ids=Kill.render)
def test_the_next_run_leaves_nothing_behind(site: KillSite, kill: Kill) -> None:
    assert site.kill(kill), "the kill did not happen"
    done = site.recover()
    assert done.code in {0, 1}, done.err
    assert list(site.wrong()) == []


def test_a_damaged_catalog_costs_no_night(site: KillSite) -> None:
    site.recover()
    before = {one["archive"] for one in site.shop.ask("list")["archives"]}
    with (site.shop.site.folder / "state" / "catalog.sqlite").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    done = site.recover()
    assert done.code == 1, done.err
    said = " ".join(done.err.split())
    assert "it was set aside as catalog.sqlite.damaged-" in said
    assert "archives were taken in from the repositories; what happened before is not known any more" in said
    assert {one["archive"] for one in site.shop.ask("list")["archives"]} > before
    assert "is not known: the catalog was begun anew" in " ".join(site.shop.run("history").out.split())
    assert list(site.wrong()) == []
