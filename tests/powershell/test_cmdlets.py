"""Windows' cmdlets are called as they are documented.

Each exists on Server 2016 and 2025, with these parameters, in one of its parameter sets.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.powershell import source
from tests.powershell.base import BASE, COMMON

SCRIPTS = source.files(".ps1", ".psm1")
OWN = {name for path in SCRIPTS for name in source.functions(path)}

SINCE_2019 = {
    "Get-ClusterAffinityRule": "called only where Get-Command finds it",
    "Add-ClusterGroupToAffinityRule": "called only with a rule that Get-ClusterAffinityRule listed",
}
"""Cmdlets that Server 2016 lacks, and why they may be called."""


@cache
def facts() -> dict[str, dict[str, dict[str, Any]]]:
    """Return module -> cmdlet -> server -> its facts."""
    loaded = json.loads((Path(__file__).parent / "cmdlets.json").read_text())
    return {module: cmdlets for module, cmdlets in loaded.items() if module != "about"}


CALLS = [call for path in SCRIPTS for call in source.calls(path) if call.module in facts()]


def place(call: source.Call) -> str:
    return f"{call.name} {call.place} {' '.join(sorted(call.parameters))}"


def fits(parameters: frozenset[str], known: dict[str, str]) -> bool:
    """Whether a call with these parameters binds to this parameter set."""
    mandatory = {name for name, type_name in known.items() if not type_name.endswith("?") and type_name != "switch"}
    return parameters <= set(known) | COMMON and mandatory <= parameters


@pytest.mark.parametrize("call", CALLS, ids=place)
def test_call_binds_to_a_documented_parameter_set(call: source.Call) -> None:
    assert call.module is not None
    servers = facts()[call.module][call.name]
    assert set(servers) == {"2016", "2025"} or (set(servers) == {"2025"} and call.name in SINCE_2019)
    assert call.positional == 0
    for server, known in servers.items():
        assert any(fits(call.parameters, one) for one in known["sets"].values()), f"{call} on Server {server}"


@pytest.mark.parametrize("call", CALLS, ids=place)
def test_call_cannot_fail_in_silence_nor_ask(call: source.Call) -> None:
    assert call.module is not None
    known = facts()[call.module][call.name]["2025"]["sets"].values()
    if not call.place.startswith("Install-"):
        assert "ErrorAction" in call.parameters, "their errors would not stop the command"
    if any("Confirm" in one for one in known):
        assert "Confirm" in call.parameters, "a prompt is an error where nobody can answer"
    if any("Force" in one for one in known if call.parameters - COMMON <= set(one)):
        assert "Force" in call.parameters


@pytest.mark.parametrize("call", CALLS, ids=place)
def test_hyper_v_is_never_asked_by_name(call: source.Call) -> None:
    if call.module == "Hyper-V":
        assert not call.parameters & {"Name", "VMName", "ComputerName", "CimSession", "Credential"}
    assert not call.parameters & {"Cluster"}, "that would be a second hop"


def test_facts_are_those_of_what_is_called() -> None:
    assert {(call.module, call.name) for call in CALLS} == {
        (module, name) for module, cmdlets in facts().items() for name in cmdlets
    }


def test_what_cannot_be_called_remotely_has_two_more_ways() -> None:
    # Add-ClusterVirtualMachineRole is documented as not remotable without CredSSP
    mark = "needs_credssp_remotely"
    marked = {name for cmdlets in facts().values() for name, servers in cmdlets.items() if servers["2025"].get(mark)}
    assert marked == {"Add-ClusterVirtualMachineRole"}
    callers = {call.place.split(":")[0] for call in CALLS if call.name in marked}
    assert callers == {"Invoke-BorgClusterRoleAddition.ps1"}
    ladder = source.MODULE / "Private" / "Invoke-BorgClusterRoleAddition.ps1"
    ways = [call.name for call in source.calls(ladder) if call.name.startswith(("Add-Cluster", "Invoke-BorgClusterRole"))]
    assert ways == ["Add-ClusterVirtualMachineRole", "Invoke-BorgClusterRoleMethod", "Invoke-BorgClusterRoleTask"]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_everything_else_is_the_modules_own_or_of_5_1(path: Path) -> None:
    windows = {name for cmdlets in facts().values() for name in cmdlets}
    for call in source.calls(path):
        if call.module in facts() or call.name in OWN:
            continue
        assert call.name not in windows, f"{call}: the module's name belongs before it"
        if call.name.endswith(("$file.FullName", ".FullName")) or call.name == ".":
            continue
        assert call.name in BASE, f"{call} is unknown to 5.1, or an alias"
        assert call.parameters <= BASE[call.name] | COMMON, call
