"""One table of commands: what the module exports = its files = what the roles may call = the bridge = the simulator."""

import inspect
import re
import typing

import pytest

from borg_cluster import bridge
from borg_cluster.core.vm_state import RoleSetting
from borg_cluster.simulator.commands import COMMANDS
from tests.powershell import source

PUBLIC = {path.stem: source.parameters(source.functions(path)[path.stem]) for path in (source.MODULE / "Public").glob("*.ps1")}
ROLES = {"Reader": ("Reader",), "Backup": ("Reader", "Backup"), "Restore": ("Reader", "Backup", "Restore")}
READ_BY_THE_BRIDGE = {("Set-BorgClusterRoleSetting", "Setting"): RoleSetting}
"""Texts that the bridge takes as what they mean; it writes their JSON."""
PYTHON_TYPES = {"guid": str, "string": str, "int": int, "bool": bool, "string[]": tuple[str, ...]}


def snake(word: str) -> str:
    """Return get_vm_state for GetVMState, vm_id for VMId."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", word).lower()


def method_name(command: str) -> str:
    """Return get_vm_state for Get-BorgClusterVMState."""
    return snake(command.replace("-BorgCluster", ""))


def visible(role: str) -> dict[str, list[str]]:
    """Return the functions that a role may call, and their parameters."""
    capability = source.read_data(source.MODULE / "RoleCapabilities" / f"BorgCluster{role}.psrc")
    entries = capability["VisibleFunctions"]
    assert isinstance(entries, list)
    return {
        entry if isinstance(entry, str) else entry["Name"]: []
        if isinstance(entry, str)
        else [one["Name"] for one in entry["Parameters"]]
        for entry in entries
    }


def test_manifest_exports_the_files() -> None:
    assert source.read_data(source.MODULE / "BorgCluster.psd1")["FunctionsToExport"] == sorted(PUBLIC)


@pytest.mark.parametrize("role", ROLES)
def test_role_sees_its_commands_with_all_their_parameters(role: str) -> None:
    expected = {name: list(command.parameters) for name, command in COMMANDS.items() if command.role in ROLES[role]}
    assert visible(role) == expected


@pytest.mark.parametrize("role", ROLES)
def test_role_checks_each_parameter(role: str) -> None:
    capability = source.read_data(source.MODULE / "RoleCapabilities" / f"BorgCluster{role}.psrc")
    entries = capability["VisibleFunctions"]
    assert isinstance(entries, list)
    for entry in entries:
        for one in entry["Parameters"] if isinstance(entry, dict) else ():
            assert len(set(one) & {"ValidateSet", "ValidatePattern"}) == 1
            if "ValidatePattern" in one:
                re.compile(one["ValidatePattern"])
    assert not {key for key in capability if key.startswith("Visible")} - {"VisibleFunctions"}


def test_simulator_has_the_same_commands() -> None:
    assert set(COMMANDS) == set(PUBLIC)


@pytest.mark.parametrize("command", sorted(PUBLIC))
def test_simulator_takes_the_same_parameters(command: str) -> None:
    simulated = COMMANDS[command].parameters
    assert {name: (one.type, one.mandatory) for name, one in simulated.items()} == {
        name: (one.type, one.mandatory) for name, one in PUBLIC[command].items()
    }
    assert list(simulated) == list(PUBLIC[command])


@pytest.mark.parametrize("command", sorted(PUBLIC))
def test_simulator_allows_the_same_values(command: str) -> None:
    text = (source.MODULE / "Public" / f"{command}.ps1").read_text()
    for name, one in COMMANDS[command].parameters.items():
        attributes = re.search(rf"((?:\[[^\n]*\]\s+)+)\${name}\b", text.split("#>")[1])
        assert attributes is not None
        assert bool(one.allowed) == ("ValidateSet(" in attributes[1])
        assert all(f"'{word}'" in attributes[1] for word in one.allowed)
        if one.minimum is not None:
            assert f"[ValidateRange({one.minimum}, {one.maximum})]" in attributes[1]


def test_bridge_has_a_method_for_each_command() -> None:
    methods = {name for name, _ in inspect.getmembers(bridge.Bridge, inspect.isfunction) if not name.startswith("_")}
    assert methods - {"kept_sessions"} == {method_name(command) for command in PUBLIC}
    assert set(bridge.ANSWERS) == set(PUBLIC)


@pytest.mark.parametrize("command", sorted(PUBLIC))
def test_bridge_method_takes_the_same_parameters(command: str) -> None:
    method = getattr(bridge.Bridge, method_name(command))
    hints = typing.get_type_hints(method)
    taken = dict(inspect.signature(method).parameters)
    assert list(taken)[:2] == ["self", "node"]
    for name in ("self", "node"):
        del taken[name]
    assert {name: (hints[name], one.default is inspect.Parameter.empty) for name, one in taken.items()} == {
        snake(name): (READ_BY_THE_BRIDGE.get((command, name), PYTHON_TYPES[one.type]), one.mandatory)
        for name, one in PUBLIC[command].items()
    }
    assert all(one.kind is inspect.Parameter.KEYWORD_ONLY for one in taken.values())
    assert hints["return"] == bridge.ANSWERS[command] | bridge.Lost
