"""The paths that the module accepts, by its own expressions, and those that the simulated cluster does: the same."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from borg_cluster.simulator.failure import CommandError
from borg_cluster.simulator.places import normalised
from tests.powershell import source

FUNCTION = source.MODULE / "Private" / "Resolve-BorgClusterPath.ps1"
FULL, PART = (
    # .NET's end of the text is Python's \Z
    re.compile(source.text(one.children[2])[1:-1].replace(r"\z", r"\Z"), re.IGNORECASE)
    for one in source.find(source.parsed(FUNCTION), "comparison_expression")
    if len(one.children) == 3 and source.text(one.children[1]) == "-match"
)

_words = st.sampled_from(
    ["C:", "\\\\?\\C:", "\\\\.\\C:", "", "..", ".", "CON", "nul.txt", "com1", "COM10", "a.", "a ", " a", ".a",
     "web[1]*", "web[1]", "x:y", "a\nb", "a\n", "\n", "a\tb", "Volume1", ".borg-cluster", "PROGRA~1", "\u202e", "\U0001f600"]
)  # fmt: skip
_paths = st.builds(
    lambda root, parts, mark: mark.join([root, *parts]),
    st.sampled_from(["C:", "d:", "\\\\server\\share", "\\\\server", "\\\\?\\C:", "\\\\.\\C:", "C", "", "CC:", "\\\\a\nb\\c"]),
    st.lists(st.one_of(_words, st.text(max_size=6)), max_size=4),
    st.sampled_from(["\\", "/", "\\\\"]),
)


def module_accepts(path: str) -> bool:
    """Decide as Resolve-BorgClusterPath does, where .NET has no opinion of its own."""
    found = FULL.search(path.rstrip("\\/"))
    return found is not None and not any(PART.search(part) for part in re.split(r"[\\/]", found[1]))


def simulator_accepts(path: str) -> bool:
    try:
        normalised(path)
    except CommandError:
        return False
    return True


@given(st.one_of(_paths, st.text("C:\\/.ab \n*", max_size=12)))
@example("C:\\a\n")
@example("C:\\a\\..\\b")
@example("C:\\a/b")
@example("\\\\server\\share")
def test_module_and_simulator_accept_the_same_paths(path: str) -> None:
    unix = path.startswith("/")  # only where the module's own tests run
    assert unix or module_accepts(path) == simulator_accepts(path)


def test_what_a_path_is() -> None:
    for path in ("C:\\ClusterStorage\\Volume1", "C:\\a/b", "\\\\server\\share", "d:\\web[1]\\x.vhdx\\"):
        assert module_accepts(path), path
    for path in (
        "C:\\",
        "C:a",
        "\\\\?\\C:\\a",
        "\\\\.\\C:\\a",
        "C:\\a\\..\\b",
        "C:\\a\n",
        "C:\\a\\con.txt",
        "C:\\a:b",
        "\\a",
        "",
    ):
        assert not module_accepts(path), path
