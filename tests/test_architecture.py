"""The house stays as it was drawn: small files, short functions, a room for everything, a core that only thinks."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "borg_cluster"
FILES = sorted(PACKAGE.rglob("*.py"))
CORE = sorted((PACKAGE / "core").rglob("*.py"))

ROOMS = {
    "__init__", "__main__", "archiving", "borg", "borg_arguments", "borg_content", "borg_created", "borg_items", "borg_locks",
    "borg_process",
    "borg_reader", "borg_starter", "changed_blocks", "comparing", "owner", "reference_points", "taking_over",
    "borg_upkeep",
    "bootstrap", "bridge", "catalog", "claim_holder",
    "cli", "command_hook", "config", "context", "core", "create", "default_plugins", "discover", "doctor", "errors",
    "extract", "frozen_files", "hookspecs", "journal", "leftovers", "making", "monitoring", "notes", "planning", "plugins",
    "remoting", "retrying", "run",
    "boot", "guest_files", "guest_reader", "run_record", "run_watch", "shipped", "simulator", "snapshot", "snapshot_session",
    "source", "stopping", "sweep", "upkeep", "verify", "whereabouts", "workers",
}  # fmt: skip
"""What lies directly in the package. A new file needs a room: give it its place in pyproject's layers and then here."""

LONGER: dict[str, str] = {}
"""Files that may be longer than the others, each with its reason."""

LONGER_FUNCTIONS = {"plan_restore": "a case and a plan, one field a line"}
"""Functions that may be, each with its reason."""

HOLLOW_NAMES = {"models", "types", "utils", "util", "helpers", "helper", "common", "manager", "misc", "tools"}

READS_A_CLOCK = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "uuid.uuid1", "uuid.uuid4"}
CLOCK_MODULES = {"time", "random", "secrets"}
OUTSIDE = {"os", "io", "pathlib", "subprocess", "socket", "ssl", "sqlite3", "shutil", "tempfile", "logging", "threading"}


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def calls(file: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield each call with the name that is called: 'print', 'datetime.now'."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imports(file: Path) -> Iterator[str]:
    """Yield the module of each import, in functions too."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def function_lengths(file: Path) -> Iterator[tuple[str, int]]:
    """Yield each function with the lines of its body, less docstring, comments and blank lines."""
    source = file.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            text = [line.strip() for line in source[body[0].lineno - 1 : node.end_lineno]] if body else []
            yield f"{name_of(file)}:{node.lineno} {node.name}", sum(1 for line in text if line and not line.startswith("#"))


def test_no_file_is_long() -> None:
    def limit(file: Path) -> int:
        return 350 if file.parent.name == "cli" else 300

    lengths = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}

    assert {
        name_of(file): length for file, length in lengths.items() if length > limit(file) and name_of(file) not in LONGER
    } == {}
    assert {name for name in LONGER if not (ROOT / name).is_file()} == set(), "a reason without a file"


def test_no_function_is_long() -> None:
    long = {name: length for file in FILES for name, length in function_lengths(file) if length > 40}

    assert {name: length for name, length in long.items() if name.rpartition(" ")[2] not in LONGER_FUNCTIONS} == {}


def test_everything_has_a_room() -> None:
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}

    assert there - ROOMS == set(), "which room of architecture does it belong to?"
    assert {name_of(file) for file in FILES if file.stem.strip("_") in HOLLOW_NAMES} == set(), "a name that says nothing"


@pytest.mark.parametrize("file", CORE, ids=lambda file: file.stem)
def test_the_core_is_the_standard_library_and_itself(file: Path) -> None:
    roots = {module.partition(".")[0] for module in imports(file)}
    ours = {
        module for module in imports(file) if module.startswith("borg_cluster") and not module.startswith("borg_cluster.core")
    }

    assert roots - set(sys.stdlib_module_names) - {"borg_cluster"} == set()
    assert ours <= {"borg_cluster", "borg_cluster.errors"}


@pytest.mark.parametrize("file", CORE, ids=lambda file: file.stem)
def test_the_core_touches_nothing_and_reads_no_clock(file: Path) -> None:
    assert {module.partition(".")[0] for module in imports(file)} & (CLOCK_MODULES | OUTSIDE) == set()
    assert {name for name, _ in calls(file)} & (READS_A_CLOCK | {"open", "print", "input"}) == set()


def test_only_the_command_line_prints() -> None:
    printing = {name_of(file) for file in FILES for name, _ in calls(file) if name in {"print", "click.echo", "sys.stdout.write"}}

    assert {name for name in printing if not name.startswith("borg_cluster/cli/")} == set()


def test_libraries_stay_at_their_edge() -> None:
    edges = {
        "rich": ("borg_cluster/cli/",),
        "pydantic": (
            "borg_cluster/config/",
            "borg_cluster/bridge/",
            "borg_cluster/journal.py",
            "borg_cluster/catalog",
            "borg_cluster/extract/scene.py",
        ),
        "pypsrp": ("borg_cluster/remoting",),
        "sqlite3": ("borg_cluster/catalog",),
        "borg": ("borg_cluster/borg_reader/child.py", "borg_cluster/borg_starter/child.py"),
        "pyfsntfs": (),
        "pyfsext": (),
        "pyfsxfs": (),
        "yaml": ("borg_cluster/config/", "borg_cluster/cli/config.py"),
    }
    for library, rooms in edges.items():
        users = {name_of(file) for file in FILES if any(module.partition(".")[0] == library for module in imports(file))}
        assert {name for name in users if not name.startswith(rooms)} == set(), library


def test_no_text_is_given_to_a_shell() -> None:
    """But the administrator's own commands, which are shell lines (`commands:` of the configuration)."""
    shells = {
        f"{name_of(file)}:{call.lineno}"
        for file in FILES
        for name, call in calls(file)
        if name in {"os.system", "os.popen"} or any(key.arg == "shell" for key in call.keywords)
    }

    assert shells == set()
