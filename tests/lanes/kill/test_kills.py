"""Sixty nights that are killed, each at another counted event: the next one leaves no half archive, snapshot, lock or claim."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.kill_site import Kill, KillSite, open_kill_site

_LAST = {"line": 5, "record": 6, "torn record": 6, "transaction": 4, "half transaction": 4, "before": 15, "after": 15}
"""The events of a run of one VM, each with how many there are at least."""
KILLS = [
    *(Kill(who="us", at=at, number=number) for at, last in _LAST.items() for number in range(1, last + 1)),
    *(Kill(who=who, at="put", number=number) for who in ("borg", "both") for number in (1, 2, 9, 17)),
    *(Kill(who=who, at="commit", number=1, after=after) for who in ("borg", "both") for after in (False, True)),
    *(Kill(who=who, at="commit", number=1, after=after, command="rename") for who in ("borg", "both") for after in (False, True)),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillSite]:
    with open_kill_site(tmp_path_factory.mktemp("kills") / "site") as opened:
        assert opened.recover().code == 0
        assert list(opened.wrong()) == []
        yield opened
        opened.shop.site.borg("check", "--verify-data")


@pytest.mark.parametrize("kill", KILLS, ids=Kill.render)
def test_the_next_run_leaves_nothing_behind(site: KillSite, kill: Kill, record_property: Callable[[str, object], None]) -> None:
    fired = site.kill(kill)
    done = site.recover()
    wrong = [*([] if fired else ["the kill did not happen"]), *site.wrong()]
    if done.code not in {0, 1}:
        wrong.append(f"the next run ended with {done.code}: {done.err.strip()}")
    record_property("kill", f"SIGKILL of {kill.render()} | {done.code} | {'; '.join(wrong) or _told(done.err)}")
    assert not wrong, f"{kill.render()}: {'; '.join(wrong)}"


def _told(text: str) -> str:
    """Return what the next run said that is not of every run."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return "; ".join(line for line in lines if not line.startswith(("done", "cluster"))) or "nothing to sweep"
