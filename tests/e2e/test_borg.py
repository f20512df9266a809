"""The Borg edge against the real borg."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from borg_cluster.borg_arguments import CreateOptions
from borg_cluster.borg_locks import host_id
from borg_cluster.borg_process import environment
from borg_cluster.core.policy import Repository
from borg_cluster.errors import BorgFailed, RepositoryRefused, UsageError
from tests.e2e.borg_site import BorgSite, make_site, open_borg, write

HOSTILE = (
    "plain.vhdx",
    " lead and trail ",
    "web[1]*?.vhdx",
    "new\nline",
    "carriage\rreturn",
    "#comment",
    "quote'\"`$(touch x)",
    "{now} {{hostname}}",
    "sh:*",
    "-rf",
    "\\back\\slash",
    "ümläut 日本 🎉",
    "tab\tvertical\x0bunit\x1fnext\x85line\u2028",
    "x" * 200,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> BorgSite:
    return make_site(tmp_path_factory.mktemp("borg"), encryption="repokey-blake2")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "mnt"


@pytest.mark.parametrize(("executable", "said"), [("true", "doesn't say so"), ("echo", "says ")])
def test_what_is_no_borg_is_told_before_anything_is_asked(site: BorgSite, executable: str, said: str) -> None:
    with pytest.raises(UsageError, match=rf"{executable} is no borg 1\.4: it {said}") as caught:
        site.again(executable=executable).check_repository()
    assert "borg: executable:" in str(caught.value.hint)


def test_files_with_hostile_names_are_listed_extracted_and_read(site: BorgSite, source: Path, tmp_path: Path) -> None:
    names = (*HOSTILE, os.fsdecode(b"not\xffutf-8"))
    for one in ([name for name in names if "\r" not in name], ["carriage\rreturn", "new\nline"]):
        archive = f"hostile-{len(one)}"
        for name in one:
            write(source / "Volume1" / name, name.encode("utf-8", "surrogateescape") * 3)
        paths = tuple(f"{source}/./Volume1/{name}" for name in one)
        made = site.borg.create(archive, comment="{user} $(x)\n", options=CreateOptions(), paths=paths)
        assert (made.changed, made.failed, made.warnings) == ((), (), ())
        items = {item.path: item for item in site.borg.list_files(archive)}
        assert set(items) == {f"Volume1/{name}" for name in one}
        assert made.original_size == sum(item.size for item in items.values())
        assert {item.kind for item in items.values()} == {"-"}
        target = tmp_path / archive
        target.mkdir()
        site.borg.extract(archive, tuple(items), target)
        for name in one:
            stat = (source / "Volume1" / name).stat()
            item = items[f"Volume1/{name}"]
            assert (item.size, item.mtime_ns) == (stat.st_size, stat.st_mtime_ns)
            content = (source / "Volume1" / name).read_bytes()
            assert (target / "Volume1" / name).read_bytes() == content
        assert site.borg.read_file(archive, f"Volume1/{one[-1]}") == (source / "Volume1" / one[-1]).read_bytes()


def test_equal_content_has_equal_chunk_hashes_and_nothing_else(site: BorgSite, source: Path) -> None:
    noise = hashlib.shake_256(b"seed").digest(12_000_000)
    files = {"one": noise, "two": noise, "swapped": noise[6_000_000:] + noise[:6_000_000], "empty": b"", "zero": b""}
    for name, content in files.items():
        write(source / "V" / name, content)
    (source / "V" / "link").hardlink_to(source / "V" / "one")
    (source / "V" / "symlink").symlink_to("one")
    site.borg.create("hashes", comment="", options=CreateOptions(), paths=(f"{source}/./V/.",), patterns=())
    items = {item.path: item for item in site.borg.list_files("hashes")}
    hashes = {path.removeprefix("V/"): item.chunk_hash for path, item in items.items()}
    assert hashes["one"] == hashes["two"] == hashes["link"] != hashes["swapped"]
    assert hashes["empty"] == hashes["zero"] is not None
    assert hashes["symlink"] is None
    assert (items["V"].kind, items["V/symlink"].kind) == ("d", "l")
    assert {items["V/one"].size, items["V/link"].size} == {12_000_000}


def test_checkpoints_are_listed_renamed_and_deleted(site: BorgSite, source: Path) -> None:
    write(source / "V" / "file")
    options = CreateOptions(compression="zstd,3", chunker_params="fixed,4194304", files_cache=False, attributes=False)
    made = site.borg.create("x-1.checkpoint", comment="", options=options, paths=(f"{source}/./V/file",))
    (listed,) = site.borg.list_archives("x-*")
    assert (listed.name, listed.archive_id) == ("x-1.checkpoint", made.archive_id)
    site.borg.rename("x-1.checkpoint", "x-1")
    (listed,) = site.borg.list_archives("x-*")
    assert listed.name == "x-1"
    assert listed.archive_id != made.archive_id
    site.borg.delete("x-1")
    assert site.borg.list_archives("x-*") == ()


def test_an_unreadable_source_is_told_and_the_archive_stands(site: BorgSite, source: Path) -> None:
    write(source / "V" / "there")
    paths = (f"{source}/./V/there", f"{source}/./V/gone\nfor good")
    made = site.borg.create("partial", comment="", options=CreateOptions(), paths=paths)
    assert made.failed == (f"{source}/V/gone\nfor good",)
    assert "No such file" in made.warnings[0]
    assert [item.path for item in site.borg.list_files("partial")] == ["V/there"]


def test_progress_is_told_in_bytes(site: BorgSite, source: Path, tmp_path: Path) -> None:
    write(source / "V" / "file", os.urandom(9_000_000))
    heard: list[tuple[int, int, str | None]] = []
    site.borg.create(
        "progress", comment="", options=CreateOptions(), paths=(f"{source}/./V/file",), heed=lambda *a: heard.append(a)
    )
    assert heard
    assert all(0 < done <= 9_000_000 and path == "V/file" for done, _, path in heard)
    heard.clear()
    site.borg.extract("progress", (), tmp_path, heed=lambda *a: heard.append(a))
    assert (9_000_000, 9_000_000, "V/file") in heard


def test_what_is_not_in_the_archive_can_not_be_had(site: BorgSite, source: Path, tmp_path: Path) -> None:
    write(source / "V" / "file")
    site.borg.create("small", comment="", options=CreateOptions(), paths=(f"{source}/./V/file",))
    with pytest.raises(BorgFailed, match="does not hold it"):
        site.borg.read_file("small", "V/other")
    with pytest.raises(BorgFailed, match="never matched"):
        site.borg.extract("small", ("V/file", "V/other"), tmp_path)
    with pytest.raises(BorgFailed, match="Archive nope does not exist"):
        site.borg.list_files("nope")


def test_a_repository_that_does_not_open_is_refused_with_borgs_reason(site: BorgSite, tmp_path: Path) -> None:
    site.borg.check_repository()
    missing = Repository(path=str(tmp_path / "nowhere"), label="main")
    with pytest.raises(RepositoryRefused, match="does not exist") as refused:
        open_borg(site.settings, missing).check_repository()
    assert "borg-cluster repo-create" in str(refused.value.hint)
    assert refused.value.fields["return_code"] == 13
    for changes in ({"passphrase": "wrong"}, {"passphrase": None}):
        with pytest.raises(RepositoryRefused, match=r"[Pp]assphrase") as wrong:
            site.again(**changes).check_repository()
        assert "encryption_passphrase" in (wrong.value.hint or "")
    site.again(passphrase=None, passcommand=f"printf '%s' '{'correct {horse} $(battery) ö'}'").check_repository()
    with pytest.raises(UsageError, match="borg is not there"):
        site.again(executable="/nowhere/borg").check_repository()


def test_a_locked_repository_is_refused(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    roster = tmp_path / "repository" / "lock.exclusive"
    (roster / f"{os.uname().nodename}@1.{1}-0").parent.mkdir()
    (roster / "elsewhere@123456.7-0").touch()
    with pytest.raises(RepositoryRefused, match="Failed to create/acquire the lock") as refused:
        site.borg.check_repository()
    assert "lock_wait" in (refused.value.hint or "")


def test_the_lock_of_a_dead_process_of_this_host_hinders_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BORG_HOST_ID", "this-host@7")  # a machine without a network card has another one each time
    site = make_site(tmp_path)
    with subprocess.Popen(["true"]) as process:
        process.wait()
    held = (
        tmp_path
        / "repository"
        / "lock.exclusive"
        / f"{host_id(environment(site.settings, site.repository.path))}.{process.pid}-0"
    )
    held.parent.mkdir()
    held.touch()
    write(tmp_path / "V" / "file")
    site.again(lock_wait=1).create("again", comment="", options=CreateOptions(), paths=(f"{tmp_path}/./V/file",))
    assert [archive.name for archive in site.borg.list_archives()] == ["again"]
    assert not held.exists()


def test_modern_codes_carry_the_message_id_that_says_what_is_wrong(site: BorgSite, source: Path, tmp_path: Path) -> None:
    write(source / "V" / "file")
    paths = (f"{source}/./V/file",)
    site.borg.create("twice", comment="", options=CreateOptions(), paths=paths)
    with pytest.raises(BorgFailed) as taken:
        site.borg.create("twice", comment="", options=CreateOptions(), paths=paths)
    with pytest.raises(BorgFailed) as gone:
        site.borg.list_files("nope")
    missing = Repository(path=str(tmp_path / "nowhere"), label="main")
    with pytest.raises(RepositoryRefused) as nowhere:
        open_borg(site.settings, missing).check_repository()
    with pytest.raises(RepositoryRefused) as wrong:
        site.again(passphrase="wrong").check_repository()
    told = [(one.value.fields["return_code"], one.value.fields["msgid"]) for one in (taken, gone, nowhere, wrong)]
    assert told == [
        (30, "Archive.AlreadyExists"),
        (31, "Archive.DoesNotExist"),
        (13, "Repository.DoesNotExist"),
        (52, "PassphraseWrong"),
    ]


def test_wrong_options_are_told_in_borgs_words(site: BorgSite, source: Path) -> None:
    write(source / "V" / "file")
    options = CreateOptions(extra=("--no-such-option",))
    with pytest.raises(BorgFailed, match="no-such-option"):
        site.borg.create("never", comment="", options=options, paths=(f"{source}/./V/file",))


def test_a_listener_that_raises_ends_borg_and_leaves_no_lock(site: BorgSite, source: Path) -> None:
    write(source / "V" / "file", os.urandom(20_000_000))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        site.borg.create("broken", comment="", options=CreateOptions(), paths=(f"{source}/./V/file",), heed=interrupt)
    assert site.borg.list_archives("broken*") == ()
    site.borg.check_repository()


def test_the_passphrase_is_nowhere_to_be_seen(site: BorgSite, source: Path) -> None:
    write(source / "V" / "file", os.urandom(5_000_000))
    seen: list[bytes] = []

    def look(*_: object) -> None:
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                try:
                    seen.append(b"".join((process / name).read_bytes() for name in ("comm", "cmdline", "environ")))
                except OSError:
                    continue

    site.borg.create("secret", comment="", options=CreateOptions(), paths=(f"{source}/./V/file",), heed=look)
    assert any(b"borg create" in text for text in seen)
    assert not any(b"horse} $(battery)" in text for text in seen)
