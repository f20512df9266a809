"""Pattern lines, and which of them decides."""

import glob
from pathlib import Path

import pytest

from borg_cluster.core.backup_plan import plan_backup
from borg_cluster.core.pattern import View, exclusion, explain, file_roots, for_borgmatic, odd_roots, plain_view, volume_patterns
from borg_cluster.core.planned import PlannedArchive
from borg_cluster.core.policy import JobKind
from tests.plan_strategies import AT, inventory, job, machine, owned, policy

V1 = r"C:\ClusterStorage\Volume1"


def volume(*paths: str) -> PlannedArchive:
    """Return the archive of Volume1, less the files of one VM."""
    vm = machine(1, "web", tuple(owned(path) for path in paths))
    jobs = (job("nightly"), job("weekly", JobKind.VOLUMES, volumes=("Volume1",)))
    return plan_backup(inventory(vm), policy(*jobs), jobs=(), good=(), at=AT, run_id="").archives[-1]


def test_lines_are_literal_and_guarded() -> None:
    planned = volume(rf"{V1}\#web [1]*\ a.vhdx ", rf"{V1}\two" + "\n+ sh:**.vhdx", f"{V1}\\raw\udcff.vhdx")
    assert volume_patterns(planned) == (
        "R /mnt/hv/./Volume1/.",
        "! pf:/mnt/hv/Volume1/.borg-cluster/.",
        "! pf:/mnt/hv/Volume1/#web [1]*/ a.vhdx /.",
        r"! re:\Amnt/hv/Volume1/raw\udcff\u002evhdx\Z",
        r"! re:\Amnt/hv/Volume1/two\u000a\u002b\u0020sh\u003a\u002a\u002a\u002evhdx\Z",
    )


def test_no_name_makes_a_second_line() -> None:
    for name in ("a\nb", "a\rb", "a\r\n! pf:/", "\n"):
        assert len(exclusion(f"/mnt/{name}").splitlines()) == 1


def test_a_view_is_walked_where_it_is_and_odd_roots_go_elsewhere() -> None:
    planned = volume(rf"{V1}\web\web.vhdx")
    view = View(
        folders={"Volume1": "/state/views/1/Volume1"}, roots=("/state/views/1/./Volume1/web", "/state/views/1/./Volume1/a\nb")
    )
    assert volume_patterns(planned, view) == (
        "R /state/views/1/./Volume1/web/.",
        "! pf:/state/views/1/Volume1/.borg-cluster/.",
        "! pf:/state/views/1/Volume1/web/web.vhdx/.",
    )
    assert odd_roots(view) == ("/state/views/1/./Volume1/a\nb",)
    assert plain_view(planned) == View(folders={"Volume1": "/mnt/hv/Volume1"}, roots=("/mnt/hv/./Volume1",))


@pytest.mark.parametrize(
    ("path", "included", "line"),
    [
        ("/mnt/hv/Volume1", True, "R /mnt/hv/./Volume1/."),
        ("/mnt/hv/Volume1/web/other", True, "R /mnt/hv/./Volume1/."),
        ("/mnt/hv/Volume1/web/web.vhdx", False, "! pf:/mnt/hv/Volume1/web/web.vhdx/."),
        ("/mnt/hv/Volume1//web/./web.vhdx/", False, "! pf:/mnt/hv/Volume1/web/web.vhdx/."),
        ("/mnt/hv/Volume1/web/web.vhdx.bak", True, "R /mnt/hv/./Volume1/."),
        ("/mnt/hv/Volume1/.borg-cluster/claims/x", False, "! pf:/mnt/hv/Volume1/.borg-cluster/."),
        ("/mnt/hv/Volume1/a\nb", False, r"! re:\Amnt/hv/Volume1/a\u000ab\Z"),
        ("/mnt/hv/Volume1/a\nb/below", False, r"! re:\Amnt/hv/Volume1/a\u000ab\Z"),
        ("/mnt/hv/Volume12/x", False, None),
        ("/elsewhere", False, None),
    ],
)
def test_explain_tells_the_line_that_decides(path: str, included: bool, line: str | None) -> None:
    lines = volume_patterns(volume(rf"{V1}\web\web.vhdx", f"{V1}\\a\nb"))
    explained = explain(lines, path)
    assert (explained.included, explained.line) == (included, line)
    assert explained.reason


def test_a_line_of_another_kind_is_not_explained() -> None:
    with pytest.raises(ValueError, match="not a line"):
        explain(("R /mnt/.", "- sh:**"), "/mnt/x")


def test_files_as_roots_are_literal_and_what_no_file_can_name_is_told() -> None:
    assert file_roots(("/m/./V/web[1]*", "/m/./V/#x", "/m/./V/web[1]*")) == ("R /m/./V/web[1]*", "R /m/./V/#x")
    for odd in ("/m/./V/trail ", "/m/./V/new\nline", "/m/./V/c\rr", "/m/./V/\udcff"):
        with pytest.raises(ValueError, match="V"):
            file_roots(("/m/./V/fine", odd))


def test_borgmatic_globs_roots_and_nothing_else(tmp_path: Path) -> None:
    for name in ("web[1]*", "web1x"):
        (tmp_path / name).mkdir()
    root, other = for_borgmatic((f"R {tmp_path}/web[1]*/.", "! pf:/m/[x]/."))
    assert glob.glob(root.removeprefix("R ")) == [f"{tmp_path}/web[1]*"]  # noqa: PTH207 - as borgmatic does
    assert other == "! pf:/m/[x]/."
