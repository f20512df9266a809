"""Other people's code: how it's found, what it may say, and what happens when it's wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import click
import pytest

from borg_cluster import plugins
from borg_cluster.borg_process import Call, Ended
from borg_cluster.core.archive import ArchiveKind, Consistency
from borg_cluster.core.backup_plan import BackupPlan
from borg_cluster.core.event import Warned
from borg_cluster.core.planned import PlannedArchive
from borg_cluster.core.policy import Condition
from borg_cluster.core.restore_plan import RestorePlan
from borg_cluster.core.selection import choose
from borg_cluster.core.settings import PluginSettings
from borg_cluster.errors import ExitCode, UsageError, Vetoed
from borg_cluster.hookspecs import hookimpl
from borg_cluster.stopping import Stop
from tests.plan_strategies import inventory, job, machine, policy

PLAN = BackupPlan(cluster="hv", run_id="r", at="2024-01-01T00:00:00Z", archives=(), skipped=(), uncovered=())
EVENT = Warned(subject="x", message="y", hint=None)
HEAD = "from borg_cluster.hookspecs import Veto, hookimpl\n"


def archive() -> PlannedArchive:
    return PlannedArchive(
        kind=ArchiveKind.VOLUME, job="j", repository="r", subject="Volume1", name="Volume1", node=None, archive="a", comment="",
        consistency=Consistency.CRASH, consistency_reason="", reason="", files=(), roots=(("/mnt/1", "Volume1"),), left_out=(),
        warnings=(),
    )  # fmt: skip


def site(folder: Path, **files: str) -> plugins.PluginManager:
    """Load the plugins with these files as the site's."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(HEAD + text, encoding="utf-8")
    return plugins.load(folder)


def complaint(folder: Path, text: str) -> str:
    """Return what is said about a site's file with ``text``, which is left out."""
    manager = site(folder, wrong=text)
    (said,) = manager.complaints
    assert "\n" not in said
    assert [plugin.name for plugin in manager.plugins if plugin.off] == ["wrong"]
    assert {name for name, _ in manager.list_name_plugin()} == {"credentials"}
    manager.check_create(PLAN)
    return said.replace(f"{folder}/", "")


def test_hook_get_secret_asks_the_site_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD", "ours")
    manager = site(
        tmp_path, vault="@hookimpl\ndef get_secret(reference):\n    return 'theirs' if 'vault' in reference else None\n"
    )

    assert manager.secret("{vault x}") == "theirs"
    assert manager.secret("{env WORD}") == "ours"
    with pytest.raises(UsageError, match=r"no plugin resolves the secret \{pass x\}"):
        manager.secret("{pass x}")


def test_hook_open_target_is_valid_inside_the_with(tmp_path: Path) -> None:
    manager = site(tmp_path)
    folder, warned, ended = Path("/mnt/1/.borg-cluster/r/staged"), list[str](), list[Path]()

    @contextmanager
    def writable(folder: Path) -> Iterator[Path]:
        yield Path("/rw") / folder.relative_to("/mnt/1")
        ended.append(folder)

    with manager.open_target(folder, warn=warned.append) as place:
        assert place == folder
    manager.register(SimpleNamespace(open_target=hookimpl(writable)), name="mount")
    target = manager.open_target(folder, warn=warned.append)
    with target as place:
        assert (place, target.plugin, ended) == (Path("/rw/.borg-cluster/r/staged"), "mount", [])
    assert (ended, warned) == ([folder], [])


def test_hook_run_job_takes_the_first_answer_and_nobodys_leaves_it_to_us(tmp_path: Path) -> None:
    manager = site(tmp_path)
    call = Call(arguments=("borg", "create"), environment={}, repository="/r")
    before = manager.runs_jobs
    ended = [Ended(return_code=code, stdout=b"", stderr=b"") for code in (0, 1)]
    for name, answer in (("asked last", ended[1]), ("worker", ended[0]), ("asked first", None)):
        manager.register(SimpleNamespace(run_job=hookimpl(lambda answer=answer: answer)), name=name)
    assert (before, manager.runs_jobs) == (False, True)
    assert manager.run_job(archive(), call, heed=lambda done: None, stop=Stop()) == ("worker", ended[0])  # noqa: ARG005
    manager.unregister(name="asked last")
    manager.unregister(name="worker")
    assert manager.run_job(archive(), call, heed=lambda done: None, stop=Stop()) is None  # noqa: ARG005


def test_hook_open_source_is_valid_inside_the_with(tmp_path: Path) -> None:
    manager = site(tmp_path)
    events: list[str] = []

    @contextmanager
    def snapshot(planned: PlannedArchive):  # type: ignore[no-untyped-def]  # noqa: ANN202 - as a site would write it
        events.append("opened")
        yield replace(planned, roots=(("/snap/1", "Volume1"),))
        events.append("closed")

    with manager.open_source(archive(), owner=lambda: None) as plain:
        assert plain == archive()
    manager.register(SimpleNamespace(open_source=hookimpl(lambda archive, owner: snapshot(archive) if owner() else None)))

    with manager.open_source(archive(), owner=lambda: "node2") as moved:
        assert moved.roots == (("/snap/1", "Volume1"),)
        assert events == ["opened"]
    assert events == ["opened", "closed"]


def test_hook_select_vm_outweighs_the_conditions(tmp_path: Path) -> None:
    manager = site(
        tmp_path,
        a="@hookimpl\ndef select_vm(vm, job):\n    return {'yes': True, 'no': False}.get(vm.name)\n",
        b="@hookimpl\ndef select_vm(vm):\n    return True if vm.name == 'both' else None\n",
    )
    cluster = inventory(*(machine(number, name, ()) for number, name in enumerate(("yes", "no", "both", "left"))))
    heeded = manager.heed(policy(job("nightly", exclude=(Condition(name="yes"),))), cluster)

    choices = {one.name: choose(one, heeded.jobs[0].select, ()) for one in cluster.virtual_machines}

    assert {name: choice.wanted for name, choice in choices.items()} == {"yes": True, "no": False, "both": True, "left": True}
    assert choices["no"].reason == f"excluded by plugin {tmp_path}/a.py"
    assert choices["left"].reason == "the job selects every virtual machine"
    assert plugins.load(None).heed(heeded, cluster) is heeded


def test_hook_before_create_says_no(tmp_path: Path) -> None:
    manager = site(tmp_path, gate="@hookimpl\ndef before_create(plan):\n    raise Veto('not on ' + plan.cluster)\n")

    with pytest.raises(Vetoed, match=r"^plugin .*gate\.py refuses: not on hv$") as raised:
        manager.check_create(PLAN)

    assert raised.value.exit_code is ExitCode.REFUSED


def test_hook_before_extract_says_no(tmp_path: Path) -> None:
    manager = site(tmp_path, gate="@hookimpl\ndef before_extract(plan):\n    raise Veto('two must agree')\n")

    with pytest.raises(Vetoed, match=r"refuses: two must agree$"):
        manager.check_extract(cast("RestorePlan", None))  # this gate does not look at it


def test_only_a_veto_stops_a_backup_and_anything_stops_a_restore(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    raises = "    raise OSError('disk\\n full')\n"
    manager = site(tmp_path, gate=f"@hookimpl\ndef before_create():\n{raises}@hookimpl\ndef before_extract():\n{raises}")

    manager.check_create(PLAN)

    assert caplog.messages[-1].endswith("gate.py failed in before_create, so it stops nothing: OSError: disk full")
    with pytest.raises(Vetoed, match=r"gate\.py failed in before_extract, which counts as a no: OSError: disk full$"):
        manager.check_extract(cast("RestorePlan", None))


def test_hook_on_event_never_breaks_a_run(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    manager = site(
        tmp_path,
        a=f"import pathlib\n@hookimpl\ndef on_event(event):\n    pathlib.Path({str(seen)!r}).write_text(event.message)\n",
        b="@hookimpl\ndef on_event(event):\n    raise KeyError(event.subject)\n",
    )

    (warning,) = manager.observe(EVENT)

    assert seen.read_text() == "y"
    assert warning.subject.endswith("b.py")
    assert warning.message.endswith("b.py failed on Warned: KeyError: 'x'")


def test_hook_add_commands(tmp_path: Path) -> None:
    manager = site(
        tmp_path,
        more="import click\n@hookimpl\ndef add_commands(cli):\n    cli.add_command(click.Command('hello'))\n",
    )
    group = click.Group()

    manager.add_commands(group)

    assert list(group.commands) == ["hello"]


def test_a_plugin_that_cannot_add_its_commands_is_named(tmp_path: Path) -> None:
    manager = site(tmp_path, more="@hookimpl\ndef add_commands(cli):\n    cli.nothing()\n")

    manager.add_commands(click.Group())

    assert manager.complaints[0].endswith(
        "more.py can't add its commands: AttributeError: 'Group' object has no attribute 'nothing'"
    )


def test_no_plugin_puts_a_command_in_the_place_of_another(tmp_path: Path) -> None:
    manager = site(
        tmp_path,
        more="@hookimpl\ndef add_commands(cli):\n    c = cli.commands\n    c['run'] = 1\n    c['x'] = 2\n    del c['old']\n",
    )
    group = click.Group()
    run, old = click.Command("run"), click.Command("old")
    group.add_command(run)
    group.add_command(old)

    manager.add_commands(group)

    assert group.commands == {"run": run, "old": old}
    assert len(manager.complaints) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = (\n", "wrong.py:2: SyntaxError: '(' was never closed"),
        ("\n\n1 / 0\n", "wrong.py:4: ZeroDivisionError: division by zero"),
        ("import no_such_module\n", "wrong.py:2: ModuleNotFoundError: No module named 'no_such_module'"),
        ("def before_create(plan): ...\n", "wrong.py: implements no hook"),
        ("@hookimpl\ndef befor_create(plan): ...\n", "wrong.py: there is no hook 'befor_create'"),
        ("@hookimpl(wrapper=True)\ndef before_create(plan):\n    yield\n", "wrong.py: wraps a hook"),
        ("@hookimpl\ndef before_create(plam): ...\n", "wrong.py: hook 'before_create' has no argument 'plam'"),
    ],
)
def test_a_wrong_file_is_one_line_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    assert complaint(tmp_path, text).startswith(said)


def test_a_file_that_everybody_may_write_is_not_run(tmp_path: Path) -> None:
    file = tmp_path / "open.py"
    file.write_text("raise SystemExit", encoding="utf-8")
    file.chmod(0o666)

    (said,) = plugins.load(tmp_path).complaints

    assert said == f"{file}: everybody may write this file, so it isn't run (chmod o-w {file})"


def test_installed_packages_come_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_group(group: str) -> tuple[EntryPoint, ...]:
        return (
            EntryPoint("broken", "borg_cluster.nowhere", group),
            EntryPoint("another", "borg_cluster.default_plugins.credentials", group),
        )

    monkeypatch.setattr("borg_cluster.plugins.loading.entry_points", of_group)
    manager = plugins.load(None)

    assert manager.complaints[0].startswith("plugin broken does not load: ModuleNotFoundError")
    # it's registered already, as ours
    assert [plugin.off is None for plugin in manager.plugins] == [True, False, False]


def test_a_package_s_plugin_is_asked_after_the_site_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "packaged_plugin.py").write_text(HEAD + "@hookimpl\ndef get_secret(reference):\n    return 'package'\n")
    monkeypatch.syspath_prepend(tmp_path)
    entry = EntryPoint("packaged", "packaged_plugin", "borg_cluster")
    monkeypatch.setattr("borg_cluster.plugins.loading.entry_points", lambda **_: (entry,))
    folder = tmp_path / "hooks.d"
    folder.mkdir()

    manager = site(folder, own="@hookimpl\ndef get_secret(reference):\n    return 'site' if reference == 'x' else None\n")

    assert (manager.secret("x"), manager.secret("y")) == ("site", "package")
    assert [(plugin.name, plugin.origin, plugin.hooks) for plugin in manager.plugins[1:]] == [
        ("packaged", "packaged_plugin", ("get_secret",)),
        ("own", str(folder / "own.py"), ("get_secret",)),
    ]


@pytest.mark.parametrize(
    ("settings", "on"),
    [
        (PluginSettings(), {"a", "b"}),
        (PluginSettings(only=("a",)), {"a"}),
        (PluginSettings(only=()), set()),
        (PluginSettings(blocked=("a",)), {"b"}),
        (PluginSettings(only=("a", "b"), blocked=("b",)), {"a"}),
    ],
)
def test_what_is_not_wanted_is_not_even_imported(tmp_path: Path, settings: PluginSettings, on: set[str]) -> None:
    for name in ("a", "b"):
        text = f"import pathlib\npathlib.Path({str(tmp_path)!r}, {name!r}).touch()\n@hookimpl\ndef on_event(event): ...\n"
        (tmp_path / f"{name}.py").write_text(HEAD + text)

    manager = plugins.load(tmp_path, settings=settings)

    assert {path.name for path in tmp_path.iterdir() if not path.suffix and path.is_file()} == on
    assert {plugin.name for plugin in manager.plugins if plugin.off is None} == on | {"credentials"}
    assert all(plugin.off for plugin in manager.plugins if plugin.name in {"a", "b"} - on)
    assert manager.complaints == []


def test_a_name_that_no_plugin_has_is_told(tmp_path: Path) -> None:
    manager = plugins.load(tmp_path, settings=PluginSettings(only=("mail",), blocked=("mail", "ntfi")))

    assert manager.complaints == ["plugins: there is no plugin mail", "plugins: there is no plugin ntfi"]


def test_no_directory_is_no_site(tmp_path: Path) -> None:
    assert {name for name, _ in plugins.load(tmp_path / "none").list_name_plugin()} == {"credentials"}
