"""Retention, frequencies, checks and compaction as they are written in the file."""

from pathlib import Path

import pytest

from borg_cluster import config
from borg_cluster.core.policy import Check, CheckKind, Compaction, Policy, Retention
from borg_cluster.errors import ConfigError

DAY = 86400


def load(folder: Path, job: str = "kind: volumes", more: str = "") -> Policy:
    file = folder / "config.yaml"
    file.write_text(f"cluster: hv\nrepositories: [{{path: /r}}]\njobs:\n  a: {{{job}}}\n{more}", encoding="utf-8")
    return config.load(file)


def test_keep_rules_are_per_job(tmp_path: Path) -> None:
    policy = load(tmp_path, "kind: volumes, frequency: 1 week, keep_within: 2d, keep_daily: 7, keep_yearly: -1")
    assert policy.jobs[0].retention == Retention(within=2 * DAY, daily=7, yearly=-1)
    assert policy.jobs[0].frequency == 7 * DAY


def test_without_keys_everything_stays_and_borgmatics_checks_are_made(tmp_path: Path) -> None:
    policy = load(tmp_path)
    assert policy.jobs[0].retention.keeps_all
    assert policy.jobs[0].frequency is None
    assert [(check.kind, check.frequency) for check in policy.checks] == [("repository", 30 * DAY), ("archives", 30 * DAY)]
    assert policy.compaction == Compaction(frequency=None, threshold=10)


def test_checks_have_frequencies(tmp_path: Path) -> None:
    policy = load(tmp_path, more="checks: [{name: extract}, {name: data, frequency: 2 months}]\ncompact: {frequency: 1w}\n")
    assert policy.checks == (Check(kind=CheckKind.EXTRACT, frequency=None), Check(kind=CheckKind.DATA, frequency=60 * DAY))
    assert policy.compaction.frequency == 7 * DAY
    assert load(tmp_path, more="checks: []\n").checks == ()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("checks: [{name: spot}]", "wants one of repository, archives, data, extract"),
        ("checks: [{name: data}, {name: data}]", "the check 'data' is there twice"),
        ("checks: [{name: data, frequency: 7}]", "wants a unit behind 7"),
        ("compact: {frequency: never}", "'never' is no duration"),
        ("compact: {threshold: 100}", "must be at most 99"),
    ],
)
def test_what_is_wrong_has_a_place(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(ConfigError, match=r"config\.yaml:5:") as caught:
        load(tmp_path, more=f"{more}\n")
    assert message in str(caught.value)
