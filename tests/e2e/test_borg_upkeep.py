"""A borg that can't run is a failure, never a warning; and the moments when nothing may be taken for done."""

from dataclasses import replace
from pathlib import Path

import pytest

from borg_cluster.borg_arguments import CreateOptions
from borg_cluster.borg_upkeep import UpkeepBorg
from borg_cluster.core.policy import CheckKind
from borg_cluster.errors import BorgFailed
from tests.e2e.borg_site import make_site


@pytest.mark.parametrize(
    "script",
    [
        "import nothing_of_that_name",
        "raise SystemExit(127)",
        "raise SystemExit(2)",
    ],
)
def test_a_borg_that_does_not_start_has_done_nothing(tmp_path: Path, script: str) -> None:
    site = make_site(tmp_path)
    broken = tmp_path / "broken"
    broken.write_text(f"#!/usr/bin/env python3\n{script}\n", encoding="utf-8")
    broken.chmod(0o755)
    borg = UpkeepBorg(replace(site.settings, executable=str(broken)), site.repository, secret=str)
    for act in (
        lambda: borg.delete_all(("a",)),
        lambda: borg.rename("a", "b"),
        lambda: borg.compact(10),
        lambda: borg.check(CheckKind.REPOSITORY),
        borg.break_lock,
        borg.list_archives,
    ):
        with pytest.raises(BorgFailed):
            act()


def test_many_archives_go_in_few_calls_and_braces_are_no_placeholders(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    borg = UpkeepBorg(site.settings, site.repository, secret=str)
    (tmp_path / "file").write_text("x")
    names = ("{now} {hostname}", "-second", "web[1]* 'x'")
    for name in names:
        borg.create(name, comment="", options=CreateOptions(), paths=(str(tmp_path / "file"),))
    assert {one.name for one in borg.list_archives()} == set(names)
    borg.delete_all(names[:2])
    assert [one.name for one in borg.list_archives()] == [names[2]]
