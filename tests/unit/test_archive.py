"""Names of archives."""

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from borg_cluster.core.archive import CHECKPOINT_SUFFIX, archive_name, distinct_names

AT = datetime(2026, 11, 22, 3, 0, tzinfo=timezone(timedelta(hours=1)))
FORMAT = "{cluster}-{subject}-{now}"


def test_a_name_tells_cluster_subject_and_time_in_utc() -> None:
    assert archive_name(FORMAT, cluster="hv", subject="Volume1", at=AT) == "hv-Volume1-2026-11-22T02:00:00Z"


@given(st.text(), st.text(), st.text())
def test_any_text_makes_a_name_that_borg_takes(cluster: str, subject: str, template: str) -> None:
    for form in (FORMAT, template):
        name = archive_name(form, cluster=cluster, subject=subject, at=AT)
        assert name
        assert len((name + CHECKPOINT_SUFFIX).encode()) < 200
        assert not set("/{}") & set(name)
        assert name.isascii()
        assert name.isprintable()
        assert not name.endswith(CHECKPOINT_SUFFIX)


@given(st.text(max_size=300), st.text(max_size=300))
def test_two_subjects_never_share_a_name(one: str, other: str) -> None:
    names = {archive_name(FORMAT, cluster="hv", subject=subject, at=AT) for subject in (one, other)}
    assert len(names) == len({one, other})


@given(st.lists(st.sampled_from(["a", "a_2", "b", "x" * 188])))
def test_distinct_names_are_distinct_and_keep_their_order(names: list[str]) -> None:
    distinct = distinct_names(tuple(names))
    assert len(set(distinct)) == len(distinct) == len(names)
    assert all(new.startswith(old[:170]) for old, new in zip(names, distinct, strict=True))
    assert all(len(name + CHECKPOINT_SUFFIX) < 200 for name in distinct)
