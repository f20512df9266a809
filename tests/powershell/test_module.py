"""The module as its readers and Windows PowerShell 5.1 see it."""

import re
from pathlib import Path

import pytest

from borg_cluster import __version__
from tests.powershell import source

SCRIPTS = source.files(".ps1", ".psm1", ".psd1")
DATA = source.files(".psrc", ".pssc")
PESTER = sorted((Path(__file__).parent / "pester").glob("*.ps*1"))
PUBLIC = sorted((source.MODULE / "Public").glob("*.ps1"))
PRIVATE = sorted((source.MODULE / "Private").glob("*.ps1"))
DECLARED = {path.stem: source.parameters(source.functions(path)[path.stem]) for path in PUBLIC + PRIVATE}
HELP = ("SYNOPSIS", "DESCRIPTION", "PARAMETER", "EXAMPLE", "OUTPUTS", "NOTES", "LINK", "INPUTS")

LATER = {
    b"$a = $b ? 1 : 2": "ternary",
    b"$a = $b ?? 1": "null-coalescing",
    b"$a ??= 1": "null-coalescing assignment",
    b"Get-A && Get-B": "chain",
    b"Get-A || Get-B": "chain",
    b"$a = ${b}?.c": "null-conditional",
}
"""Grammar from after 5.1; each is refused by ``problems``."""


def problems(text: bytes) -> list[str]:
    """Return what 5.1 would not parse: errors of the syntax tree, and tokens that came with PowerShell 7."""
    found = []
    for node in source.walk(source.parse(text)):
        later = node.child_count == 0 and node.type in {"&&", "||", "??", "??=", "?.", "?["}
        if node.type == "ERROR" or node.is_missing or later or "ternary" in node.type:
            found.append(f"line {node.start_point[0] + 1}: {source.text(node)[:60]}")
    return found


def name(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("text", LATER, ids=LATER.values())
def test_grammar_from_after_5_1_is_noticed(text: bytes) -> None:
    assert problems(text)


@pytest.mark.parametrize("path", SCRIPTS + DATA + PESTER, ids=name)
def test_file_is_5_1_grammar_in_ascii(path: Path) -> None:
    text = path.read_bytes()
    assert text.isascii(), "without a BOM, 5.1 reads a file in the system's code page"
    assert b"\t" not in text
    assert not re.search(rb"[ \t]$", text, re.MULTILINE)
    assert problems(text) == []


@pytest.mark.parametrize("path", PUBLIC + PRIVATE, ids=name)
def test_file_holds_the_function_that_it_is_named_after(path: Path) -> None:
    assert list(source.functions(path)) == [path.stem]


@pytest.mark.parametrize("path", PUBLIC + PRIVATE, ids=name)
def test_help_is_read_as_help(path: Path) -> None:
    # a line that begins with a dot and an unknown word makes PowerShell ignore the whole help
    help_text = re.search(r"<#(.*?)#>", path.read_text(), re.DOTALL)
    assert help_text is not None
    keywords = re.findall(r"^\s*\.(\w+)", help_text[1], re.MULTILINE)
    assert set(keywords) <= set(HELP)
    assert keywords[0] == "SYNOPSIS"


@pytest.mark.parametrize("path", PUBLIC, ids=name)
def test_public_function_is_documented_and_strict(path: Path) -> None:
    text = path.read_text()
    function = source.functions(path)[path.stem]
    assert re.findall(r"^\s*\.PARAMETER (\w+)$", text, re.MULTILINE) == list(source.parameters(function))
    example = re.search(r"\.EXAMPLE\n\s*(.+)\n", text)
    assert example is not None
    assert example[1].startswith(path.stem)
    assert "\n    [OutputType([string])]\n" in text
    assert "\n    Set-StrictMode -Version 2.0\n    $ErrorActionPreference = 'Stop'\n" in text
    assert "ConvertTo-BorgClusterAnswer" in text or "ConvertTo-BorgClusterFileResult" in text


@pytest.mark.parametrize("path", PUBLIC, ids=name)
def test_change_can_be_tried_with_what_if(path: Path) -> None:
    text = path.read_text()
    changes = not path.stem.startswith(("Get-", "Test-", "Wait-"))
    assert ("[CmdletBinding(SupportsShouldProcess)]" in text) is changes
    assert ("$PSCmdlet.ShouldProcess(" in text) is changes


FRAMEWORK_ONLY = (
    r"[GS]etAccessControl|Security\.AccessControl",  # files' access rights: .NET Framework's; icacls is everywhere
    r"\[(System\.)?IO\.Path\]::(GetDirectoryName|Combine|GetPathRoot|IsPathRooted)",  # means other things on other systems
    r"\$env:(COMPUTERNAME|USERNAME|USERDOMAIN|ProgramFiles|ProgramData|TEMP)\b",
    r"\[(System\.)?(Management\.ManagementObject|wmiclass|wmi)\b",
    r"Get-WmiObject|Invoke-WmiMethod",
)
"""What only works, or only means the same, under Windows PowerShell on Windows."""
NATIVE = {"$native", "$from", "$to", "$file", "$entry", "$path"}
"""Variables that hold .NET's own spelling of a path (see the functions that use them)."""


@pytest.mark.parametrize("path", [path for path in SCRIPTS if path.suffix != ".psd1"], ids=name)
def test_code_is_of_no_single_edition(path: Path) -> None:
    code = re.sub(r"<#.*?#>", "", path.read_text(), flags=re.DOTALL)
    for pattern in FRAMEWORK_ONLY:
        assert not re.search(pattern, code, re.IGNORECASE), pattern


@pytest.mark.parametrize("path", PUBLIC + PRIVATE, ids=name)
def test_files_are_reached_by_their_native_path(path: Path) -> None:
    for argument in re.findall(r"\[System\.IO\.(?:File|Directory|FileInfo|DirectoryInfo)\]::\w+\(([^,()]*)", path.read_text()):
        assert argument in NATIVE | {""}, f"{argument}: only Resolve-BorgClusterNativePath knows where that is"


@pytest.mark.parametrize("path", PUBLIC + PRIVATE, ids=name)
def test_parameters_are_not_assigned(path: Path) -> None:
    # names of variables know no case: 'foreach ($item in $Item)' would overwrite what it goes through
    for function in source.functions(path).values():
        given = {one.lower() for one in source.parameters(function)}
        loops = [source.text(one.children[2]) for one in source.find(function, "foreach_statement")]
        targets = [source.text(one.children[0]) for one in source.find(function, "assignment_expression")]
        assigned = {target.removeprefix("$").lower() for target in loops + targets if target.startswith("$")}
        assert not given & assigned


@pytest.mark.parametrize("path", PRIVATE, ids=name)
def test_private_function_is_used(path: Path) -> None:
    callers = {call.name for other in PUBLIC + PRIVATE if other != path for call in source.calls(other)}
    assert path.stem in callers


@pytest.mark.parametrize("path", PUBLIC + PRIVATE, ids=name)
def test_own_functions_are_called_as_they_are_declared(path: Path) -> None:
    for call in source.calls(path):
        if call.name in DECLARED:
            parameters = DECLARED[call.name]
            assert call.parameters <= set(parameters), call
            assert {name for name, one in parameters.items() if one.mandatory} <= call.parameters, call
            assert call.positional == 0, call


def test_manifest_names_the_version_of_the_product() -> None:
    manifest = source.read_data(source.MODULE / "BorgCluster.psd1")
    version = manifest["ModuleVersion"]
    assert version == __version__
    assert f"return '{version}'" in (source.MODULE / "Private" / "Get-BorgClusterModuleVersion.ps1").read_text()
    assert manifest["PowerShellVersion"] == "5.1"
    assert [manifest[f"{kind}ToExport"] for kind in ("Cmdlets", "Variables", "Aliases")] == [[], [], []]


def test_endpoint_speaks_no_language_and_leaves_transcripts() -> None:
    endpoint = source.read_data(source.MODULE / "SessionConfigurations" / "BorgCluster.pssc")
    assert endpoint["SessionType"] == "RestrictedRemoteServer"
    assert endpoint["RunAsVirtualAccount"] == "$true"
    assert endpoint["TranscriptDirectory"]
    definitions = endpoint["RoleDefinitions"]
    assert isinstance(definitions, dict)
    capabilities = {one["RoleCapabilities"] for one in definitions.values()}
    assert capabilities == {path.stem for path in source.files(".psrc")}


@pytest.mark.parametrize("path", PUBLIC, ids=name)
def test_each_command_has_its_pester_tests(path: Path) -> None:
    tests = Path(__file__).parent / "pester" / f"{path.stem}.Tests.ps1"
    assert f"Describe '{path.stem}' {{" in tests.read_text()
