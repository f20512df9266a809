"""Which repository something goes into, and why; and that it stays there."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from borg_cluster.core.assignment import NOTHING_REMEMBERED, Home, Remembered, home_of_vm, home_of_volume
from borg_cluster.core.policy import Assignment, Condition, Job, JobKind, Selection
from tests.plan_strategies import MOUNTS, machine

JOB = Job(
    name="nightly",
    kind=JobKind.VIRTUAL_MACHINES,
    repository="",
    select=Selection(include=(), exclude=()),
    volumes=(),
    max_age=None,
    compression=None,
    chunker_params=None,
    extra_borg_options=(),
    repositories=("a", "b", "c"),
    assign=(
        Assignment(condition=Condition(tag="gold"), repository="c"),
        Assignment(condition=Condition(name="web*"), repository="a"),
    ),
)


def home(
    number: int, *, name: str = "vm", job: Job = JOB, remembered: Remembered = NOTHING_REMEMBERED, tags: tuple[str, ...] = ()
) -> Home:
    return home_of_vm(machine(number, name, tags=tags), job, remembered, MOUNTS)


def id_of(number: int) -> str:
    return machine(number, "vm").id


def archived(number: int, repository: str) -> Remembered:
    return Remembered(archives={("nightly", id_of(number)): repository})


def test_the_first_rule_that_holds_decides() -> None:
    assert home(1, name="web01", tags=("gold",)) == Home(repository="c", reason="by the rule tag gold")
    assert home(1, name="web01") == Home(repository="a", reason="by the rule name web*")


def test_a_job_that_names_one_repository_has_it() -> None:
    pinned = replace(JOB, repository="main", repositories=(), assign=())
    assert home(1, job=pinned, remembered=archived(1, "b")) == Home(repository="main", reason="the job names it")


def test_what_has_archives_stays_whatever_the_rules_say_by_now() -> None:
    assert home(1, remembered=archived(1, "b")) == Home(repository="b", reason="its archives are there")
    stays = home(1, name="web01", remembered=archived(1, "b"))
    assert stays.repository == "b"
    assert "though now the rule is a: by the rule name web*" in stays.reason


def test_what_was_sent_by_hand_goes_there() -> None:
    sent = replace(archived(1, "b"), told={id_of(1): "c"})
    assert home(1, remembered=sent) == Home(repository="c", reason="it was sent there: borg-cluster assign")
    assert home(1, remembered=replace(sent, told={id_of(1): "gone"})).repository == "b", "a repository that is no more is no home"


def test_a_repository_that_is_no_longer_the_job_s_is_left() -> None:
    left = home(1, job=replace(JOB, repositories=("a", "b")), remembered=archived(1, "c"))
    assert left.repository in {"a", "b"}
    assert left.reason == "c, where it was, is no longer one of the job's; by its id"


def test_volumes_are_shared_out_by_their_names() -> None:
    job = replace(JOB, kind=JobKind.VOLUMES, assign=(Assignment(condition=Condition(volume="volume1"), repository="b"),))
    first, second, *_ = MOUNTS
    assert home_of_volume(first, job, NOTHING_REMEMBERED) == Home(repository="b", reason="by the rule volume volume1")
    assert home_of_volume(second, job, NOTHING_REMEMBERED).reason == "by its id"


def test_all_repositories_get_their_share() -> None:
    counts = Counter(home(number).repository for number in range(300))
    assert all(70 <= counts[label] <= 130 for label in JOB.repositories), counts


@given(st.sets(st.sampled_from("abcdefgh"), min_size=1, max_size=7), st.sampled_from("stuv"))
def test_a_new_repository_takes_only_what_it_wins(labels: set[str], new: str) -> None:
    before = replace(JOB, repositories=tuple(sorted(labels)))
    after = replace(JOB, repositories=(new, *sorted(labels, reverse=True)))
    homes = [(home(number, job=before).repository, home(number, job=after).repository) for number in range(40)]
    assert all(now in {was, new} for was, now in homes), (
        "nothing moves between those that were there, in whatever order they stand"
    )
