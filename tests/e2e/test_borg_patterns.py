"""What the pattern lines do to the real borg: each one bites, nothing else does, and ``explain`` says the same."""

import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from borg_cluster.borg_arguments import CreateOptions
from borg_cluster.core.backup_plan import plan_backup
from borg_cluster.core.pattern import explain
from borg_cluster.core.planned import NOWHERE, LeftOut, PlannedArchive
from borg_cluster.core.policy import JobKind
from borg_cluster.errors import BorgClusterError
from borg_cluster.source import Source, look
from tests.e2e.borg_site import BorgSite, make_site, write
from tests.plan_strategies import AT, inventory, job, policy

KNOWN = (
    " lead", "trail ", "tab\t", "vt\x0b", "nel\x85", "ls\u2028", "nbsp\xa0", "#hash", "+ sh:**", "! pf:/", "R root", "web[1]*?",
    "sh:**", "re:.*", "back\\slash", "é", "e\u0301", "{now}", "$(x)", "-", "a\nb", "a\rb", "\n", "\r\n+ pf:x", "~", "'\"", "..x",
)  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(KNOWN),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12),
    st.binary(min_size=1, max_size=12).map(os.fsdecode),
).filter(lambda name: name not in {".", ".."} and not {"/", "\0"} & set(name))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> BorgSite:
    return make_site(tmp_path_factory.mktemp("patterns"))


def planned(folder: Path, name: str, left_out: list[str]) -> PlannedArchive:
    """Return a volume's archive that leaves out these paths, relative to its folder."""
    jobs = (job("weekly", JobKind.VOLUMES, volumes=("Volume1",)),)
    (archive,) = plan_backup(inventory(), policy(*jobs), jobs=(), good=(), at=AT, run_id="").archives
    left = tuple(
        LeftOut(local_path=f"{folder}/{path}", archive_path=f"{name}/{path}", vm_id="x", held_by=NOWHERE) for path in left_out
    )
    return replace(archive, roots=((str(folder), name),), left_out=left)


def stored(site: BorgSite, source: Source) -> set[str]:
    """Archive a source; return the paths in the archive."""
    archive = f"patterns-{len(site.borg.list_archives())}"
    site.borg.create(archive, comment="", options=CreateOptions(), paths=source.paths, patterns=source.patterns)
    return {item.path for item in site.borg.list_files(archive)}


@given(names=st.sets(NAMES, min_size=30, max_size=60))
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_line_bites_and_nothing_else(site: BorgSite, names: set[str]) -> None:
    names |= set(KNOWN)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "Volume1"
        entries = sorted(names, key=os.fsencode)
        for number, name in enumerate(entries):
            write(folder / "files" / name)
            write(folder / "folders" / name / "inside" / name)
            write(folder / ".borg-cluster" / "claims" / str(number))
        chosen = entries[::2]
        left_out = [f"{kind}/{name}" for kind in ("files", "folders") for name in chosen]
        source = look(planned(folder, "Volume1", left_out), Path(temporary) / "views")
        found = stored(site, source)
        everything = {os.fspath(path.relative_to(temporary)): os.fspath(path) for path in (folder, *folder.rglob("*"))}
        lines = source.patterns or ()
        expected = {name for name, path in everything.items() if explain(lines, path).included}
        assert found == expected
        gone = {f"Volume1/{path}" for path in left_out} | {"Volume1/.borg-cluster"}
        assert expected == {
            name for name in everything if name not in gone and not any(name.startswith(f"{one}/") for one in gone)
        }


@pytest.mark.parametrize("linked", [False, True])
def test_a_mount_of_another_name_is_walked_through_a_view(site: BorgSite, tmp_path: Path, linked: bool) -> None:
    folder = tmp_path / "mnt" / ("Volume1" if linked else "x y")
    real = tmp_path / "disk" if linked else folder
    for name in ("web/web.vhdx", "web/keep", "top ", "#top", "a\nb", "a\rb", "out", ".borg-cluster/claims/1"):
        write(real / name)
    (real / "link").symlink_to("web")
    (real / "web" / "hard").hardlink_to(real / "#top")
    if linked:
        folder.parent.mkdir(parents=True)
        folder.symlink_to(real)
    one = look(planned(folder, "Volume1", ["web/web.vhdx", "out"]), tmp_path / "views")
    assert look(planned(folder, "Volume1", ["web/web.vhdx", "out"]), tmp_path / "views") == one, "its place lasts"
    names = {"link", "web", "web/keep", "web/hard", "top ", "#top", "a\nb", "a\rb"}
    assert stored(site, one) == {f"Volume1/{name}" for name in names}


def test_windows_spelling_is_found_and_bites(site: BorgSite, tmp_path: Path) -> None:
    folder = tmp_path / "Volume1"
    for name in ("Web/WEB.vhdx", "web2/Web.vhdx", "both/a", "both/A"):
        write(folder / name)
    source = look(planned(folder, "Volume1", ["wEB/web.VHDX", "WEB2", "both/A", "gone/x"]), tmp_path / "views")
    assert stored(site, source) == {"Volume1", "Volume1/Web", "Volume1/both", "Volume1/both/a"}


def test_a_volume_that_is_not_mounted_is_no_empty_archive(tmp_path: Path) -> None:
    folder = tmp_path / "Volume1"
    with pytest.raises(BorgClusterError, match="can't be read") as error:
        look(planned(folder, "Volume1", []), tmp_path)
    assert error.value.hint == "is the volume mounted?"
    folder.mkdir()
    with pytest.raises(BorgClusterError, match="is empty"):
        look(planned(folder, "Volume1", []), tmp_path)


def test_a_top_name_that_is_not_utf8_needs_the_right_mount(site: BorgSite, tmp_path: Path) -> None:
    write(tmp_path / "x" / os.fsdecode(b"not\xff"))
    with pytest.raises(BorgClusterError, match=r"not\\udcff has a name that isn't UTF-8"):
        look(planned(tmp_path / "x", "Volume1", []), tmp_path / "views")
    (tmp_path / "x").rename(tmp_path / "Volume1")
    found = stored(site, look(planned(tmp_path / "Volume1", "Volume1", []), tmp_path / "views"))
    assert found == {"Volume1", f"Volume1/{os.fsdecode(bytes([*b'not', 0xFF]))}"}
