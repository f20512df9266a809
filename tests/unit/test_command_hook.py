"""The administrator's commands: borgmatic's words with borgmatic's meaning, by a real sh."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from borg_cluster.catalog import Catalog
from borg_cluster.command_hook import CommandSkipped, commands_around
from borg_cluster.context import Context
from borg_cluster.core.event import CommandHookRan, Event, UpkeepFailed, Warned
from borg_cluster.core.policy import CheckKind, CommandHook, Repository
from borg_cluster.errors import BorgFailed, Refused
from borg_cluster.simulator.state import SimulatedCluster
from borg_cluster.upkeep import check, prune
from tests import direct

SCOPES = ("configuration", "cluster", "action", "repository", "vm", "volume")


class Bench:
    """A context whose commands write down that they ran."""

    def __init__(self, context: Context, events: list[Event], log: Path) -> None:
        self.context = context
        self.events = events
        self.log = log

    def note(self, word: str) -> str:
        """Return the line that writes down a word, the scope and the state."""
        return f'echo "{word} $BORG_CLUSTER_SCOPE $BORG_CLUSTER_STATE" >> {self.log}'

    def use(self, *hooks: CommandHook) -> None:
        """Let these be the commands of the configuration."""
        self.context = replace(self.context, policy=replace(self.context.policy, commands=hooks))

    def ran(self) -> list[str]:
        """Return what was written down."""
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    events: list[Event] = []
    cluster = SimulatedCluster.create(tmp_path / "cluster", nodes=("node1",))
    with Catalog.open(tmp_path / "catalog.sqlite") as catalog:
        context = direct.context(cluster, catalog, tmp_path, events=events, clock=direct.Clock())
        yield Bench(context, events, tmp_path / "log")


def hook(moment: str, scope: str, *run: str, when: tuple[str, ...] = (), states: tuple[str, ...] = ()) -> CommandHook:
    return CommandHook(moment=moment, scope=scope, when=when, states=states, run=run)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("case", ["fine", "fails", "interrupted", "before fails", "before skips"])
def test_each_scope_ends_as_borgmatic_has_it(bench: Bench, scope: str, case: str) -> None:
    first = {"before fails": "exit 2", "before skips": "exit 75"}.get(case, "true")
    bench.use(
        hook("before", scope, first, bench.note("second")),
        hook("after", scope, bench.note("always")),
        hook("after", scope, bench.note("finish"), states=("finish",)),
        hook("after", scope, bench.note("fail"), states=("fail",)),
    )
    raised: dict[str, type[BaseException]] = {
        "fails": BorgFailed,
        "interrupted": KeyboardInterrupt,
        "before fails": Refused,
        "before skips": CommandSkipped,
    }
    with ExitStack() as stack:
        if case in raised:
            stack.enter_context(pytest.raises(raised[case]))
        with commands_around(bench.context, verb="create", scope=scope, variables={}):
            if case == "fails":
                raise BorgFailed("no", return_code=2, msgid=None)
            if case == "interrupted":
                raise KeyboardInterrupt
    expected = {
        "fine": [f"second {scope} ", f"always {scope} finish", f"finish {scope} finish"],
        "fails": [f"second {scope} ", f"always {scope} fail", f"fail {scope} fail"],
        "interrupted": [f"second {scope} ", f"always {scope} fail", f"fail {scope} fail"],
        "before fails": [f"always {scope} fail", f"fail {scope} fail"],
        "before skips": [],
    }
    assert bench.ran() == expected[case]


def around_both(context: Context) -> None:
    with (
        commands_around(context, verb="create", scope="configuration", variables={}),
        commands_around(context, verb="create", scope="action", variables={}),
    ):
        pass


def test_what_is_skipped_within_is_no_failure_of_what_is_around(bench: Bench) -> None:
    bench.use(hook("before", "action", "exit 75"), hook("after", "configuration", bench.note("after")))
    with pytest.raises(CommandSkipped):
        around_both(bench.context)
    assert bench.ran() == ["after configuration finish"]


def test_only_the_verbs_that_are_meant(bench: Bench) -> None:
    bench.use(hook("before", "action", bench.note("both"), when=("prune", "check")), hook("before", "action", bench.note("all")))
    for verb in ("create", "check"):
        with commands_around(bench.context, verb=verb, scope="action", variables={}):
            pass
    assert bench.ran() == ["all action ", "both action ", "all action "]


def test_a_name_is_never_text_of_a_line_and_a_command_that_fails_afterwards_is_a_warning(bench: Bench) -> None:
    hostile = "'; touch hacked; $(touch hacked) `touch hacked` \"\n*"
    bench.use(hook("before", "vm", f'printf %s "$BORG_CLUSTER_VM" > {bench.log}'), hook("after", "vm", "exit 9", "true"))
    with commands_around(bench.context, verb="create", scope="vm", variables={"vm": hostile}):
        pass
    assert bench.log.read_text(encoding="utf-8") == hostile
    assert not list(bench.log.parent.rglob("hacked"))
    (warning,) = [event for event in bench.events if isinstance(event, Warned)]
    assert warning.message == "the command after the vm ended with 9: exit 9"
    assert [event.return_code for event in bench.events if isinstance(event, CommandHookRan)] == [0, 9, 0]


@pytest.mark.parametrize("verb", ["prune", "check"])
def test_a_repository_that_fails_is_told_to_the_commands_after_it_and_around_it(bench: Bench, verb: str) -> None:
    gone = Repository(path="/nowhere/at/all", label="gone")
    scopes = ("repository", "action", "cluster", "configuration")
    bench.use(*(hook("after", scope, bench.note("after"), states=("fail",)) for scope in scopes))
    context = replace(bench.context, policy=replace(bench.context.policy, repositories=(gone,)))
    if verb == "prune":
        prune(context)
    else:
        check(context, seed=1, only=(CheckKind.REPOSITORY,))
    assert [event.subject for event in bench.events if isinstance(event, UpkeepFailed)] == ["gone"]
    assert bench.ran() == [f"after {scope} fail" for scope in scopes]
