"""Two nights that are killed over the real wire; the lane 'kill' has seventy more."""

from collections.abc import Iterator

import pytest

from tests.e2e.kill_site import Kill, KillSite, open_kill_site

KILLS = [Kill(who="both", at="put", number=9), Kill(who="us", at="half transaction", number=2)]


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
