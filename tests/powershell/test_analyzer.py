"""What PSScriptAnalyzer would say, as far as a syntax tree can tell: the rules of PSScriptAnalyzerSettings.psd1, one test each.

Each rule is also shown a text that breaks it; one that finds nothing there would prove nothing.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tree_sitter

from tests.powershell import source

TESTS = Path(__file__).parents[1]
SCRIPTS = [
    *source.files(".ps1", ".psm1"),
    *sorted((TESTS / "powershell" / "pester").glob("*.ps*1")),
    TESTS / "lanes" / "powershell" / "run.ps1",
]

# learn.microsoft.com/powershell/scripting/developer/cmdlet/approved-verbs-for-windows-powershell-commands, those of 5.1
VERBS = """
Add Clear Close Copy Enter Exit Find Format Get Hide Join Lock Move New Open Optimize Pop Push Redo Remove Rename Reset
Resize Search Select Set Show Skip Split Step Switch Undo Unlock Watch Connect Disconnect Read Receive Send Write Backup
Checkpoint Compare Compress Convert ConvertFrom ConvertTo Dismount Edit Expand Export Group Import Initialize Limit Merge
Mount Out Publish Restore Save Sync Unpublish Update Debug Measure Ping Repair Resolve Test Trace Approve Assert Complete
Confirm Deny Disable Enable Install Invoke Register Request Restart Resume Start Stop Submit Suspend Uninstall Unregister
Wait Block Grant Protect Revoke Unblock Unprotect Use
"""
CHANGING = {"New", "Set", "Remove", "Start", "Stop", "Restart", "Reset", "Update"}
"""Verbs of which PSUseShouldProcessForStateChangingFunctions wants -WhatIf."""
AUTOMATIC_VARIABLES = """
args consolefilename enabledexperimentalfeatures error event eventargs eventsubscriber executioncontext false foreach home
host input iscoreclr islinux ismacos iswindows lastexitcode matches myinvocation nestedpromptlevel pid profile
psboundparameters pscmdlet pscommandpath psculture psdebugcontext psedition pshome psitem psscriptroot pssenderinfo
psuiculture psversiontable pwd sender shellid stacktrace switch this true _ ^ ? $
"""
AUTOMATIC = set(AUTOMATIC_VARIABLES.split())
PREFERENCES = {"erroractionpreference", "verbosepreference", "null"}
SINGULAR = {"Access", "Status", "Process", "Address"}
"""Words that end in s and are no plural."""
SEARCHED = {"ForEach-Object", "Where-Object"}
"""Commands whose script blocks PSReviewUnusedParameter looks into; into those of others it does not."""

Rule = Callable[[tree_sitter.Node], list[str]]


def blocks(tree: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """Yield the script, and each function and script block in it."""
    yield tree
    yield from source.find(tree, "function_statement", "script_block_expression")


def within(node: tree_sitter.Node, *types: str, into: Callable[[tree_sitter.Node], bool]) -> Iterator[tree_sitter.Node]:
    """Yield the nodes of these types in a block, and in the blocks in it that ``into`` lets in."""
    for child in node.children:
        if child.type in {"function_statement", "script_block_expression"} and not into(child):
            continue
        if child.type in types:
            yield child
        yield from within(child, *types, into=into)


def variable(node: tree_sitter.Node) -> str:
    """Return a variable's name, without scope and case."""
    return source.text(node).strip("${}@").lower().rpartition(":")[2]


def called(node: tree_sitter.Node) -> str:
    """Return the name of the command that a script block is given to."""
    command = node.parent
    while command is not None and command.type != "command":
        command = command.parent
    names = [] if command is None else [child for child in command.children if child.type == "command_name"]
    return source.text(names[0]) if names else ""


def searched(block: tree_sitter.Node) -> bool:
    return called(block) in SEARCHED


def anywhere(_: tree_sitter.Node) -> bool:
    return True


def nowhere(_: tree_sitter.Node) -> bool:
    return False


def parameters(block: tree_sitter.Node) -> list[str]:
    """Return the parameters that a block declares itself."""
    found = within(block, "script_parameter", into=nowhere)
    return [variable(next(child for child in one.children if child.type == "variable")) for one in found]


def unused_parameters(tree: tree_sitter.Node) -> list[str]:
    """PSReviewUnusedParameter."""
    found = []
    for block in blocks(tree):
        used = [variable(one) for one in within(block, "variable", into=searched)]
        if "psboundparameters" not in used:
            found += [name for name in parameters(block) if used.count(name) < 2]
    return found


def targets(block: tree_sitter.Node) -> Iterator[tuple[str, bool]]:
    """Yield the variables that a block assigns, and whether they are of a scope of their own."""
    for assignment in within(block, "assignment_expression", into=nowhere):
        left = source.text(assignment.children[0])
        if re.fullmatch(r"(\[[\w.\[\]]+\]\s*)?\$[\w:]+", left):
            yield left.rpartition("$")[2].lower(), ":" in left.rpartition("]")[2]


def unused_variables(tree: tree_sitter.Node) -> list[str]:
    """PSUseDeclaredVarsMoreThanAssignments."""
    found = []
    for block in blocks(tree):
        assigned = [name for name, scoped in targets(block) if not scoped and name not in PREFERENCES | AUTOMATIC]
        everywhere = [variable(one) for one in within(block, "variable", into=anywhere)]
        found += [name for name in set(assigned) if everywhere.count(name) <= assigned.count(name)]
    return found


def automatic_variables(tree: tree_sitter.Node) -> list[str]:
    """PSAvoidAssignmentToAutomaticVariable; of loops and parameters too."""
    names = [name for block in blocks(tree) for name, _ in targets(block)] + parameters(tree)
    names += [variable(one.children[2]) for one in source.find(tree, "foreach_statement")]
    return [name for name in names if name in AUTOMATIC]


def empty_catches(tree: tree_sitter.Node) -> list[str]:
    """PSAvoidUsingEmptyCatchBlock."""
    found = [
        block for clause in source.find(tree, "catch_clause") for block in clause.children if block.type == "statement_block"
    ]
    return [source.text(block) for block in found if not source.find(block, "statement_list")]


def null_on_the_right(tree: tree_sitter.Node) -> list[str]:
    """PSPossibleIncorrectComparisonWithNull."""
    comparisons = source.find(tree, "comparison_expression")
    return [source.text(one) for one in comparisons if re.search(r"-(i|c)?(eq|ne)\s+\$null$", source.text(one), re.IGNORECASE)]


def positional_arguments(tree: tree_sitter.Node) -> list[str]:
    """PSAvoidUsingPositionalParameters: three or more, as it counts them."""
    found = []
    for command in source.find(tree, "command"):
        if not any(child.type == "command_name" for child in command.children):
            continue
        elements = [child for child in command.children if child.type == "command_elements"]
        if elements and source.elements(elements[0])[2] > 2:
            found.append(source.text(command))
    return found


def names_of_functions(tree: tree_sitter.Node) -> Iterator[tuple[str, str, tree_sitter.Node]]:
    """Yield verb, noun and node of each function."""
    for function in source.find(tree, "function_statement"):
        verb, _, noun = source.text(source.find(function, "function_name")[0]).partition("-")
        yield verb, noun, function


def verbs_of_its_own(tree: tree_sitter.Node) -> list[str]:
    """PSUseApprovedVerbs."""
    return [verb for verb, _, _ in names_of_functions(tree) if verb not in VERBS.split()]


def plural_nouns(tree: tree_sitter.Node) -> list[str]:
    """PSUseSingularNouns."""
    words = [re.findall(r"[A-Z][a-z]*$", noun)[0] for _, noun, _ in names_of_functions(tree)]
    return [word for word in words if word.endswith("s") and word not in SINGULAR]


def changes_without_what_if(tree: tree_sitter.Node) -> list[str]:
    """PSUseShouldProcessForStateChangingFunctions, PSShouldProcess."""
    found = []
    for verb, noun, function in names_of_functions(tree):
        declared = any("SupportsShouldProcess" in source.text(one) for one in source.find(function, "attribute"))
        asked = ".ShouldProcess(" in source.text(function)
        if declared != asked or (verb in CHANGING and not declared):
            found.append(f"{verb}-{noun}")
    return found


DANGEROUS = {"Invoke-Expression", "Write-Host", "ConvertTo-SecureString", "Get-WmiObject", "Invoke-WmiMethod", "New-Variable"}


def commands_to_avoid(tree: tree_sitter.Node) -> list[str]:
    """PSAvoidUsingInvokeExpression, -WriteHost, -WMICmdlet, -ConvertToSecureStringWithPlainText."""
    return [source.text(one) for one in source.find(tree, "command_name") if source.text(one) in DANGEROUS]


def globals_of_its_own(tree: tree_sitter.Node) -> list[str]:
    """PSAvoidGlobalVars."""
    return [source.text(one) for one in source.find(tree, "variable") if source.text(one).lower().startswith("$global:")]


def untidy_lines(tree: tree_sitter.Node) -> list[str]:
    """PSUseConsistentIndentation, -Whitespace, PSPlaceOpenBrace, PSPlaceCloseBrace, as far as lines tell."""
    code = re.sub(r"<#.*?#>|'[^'\n]*'|\"[^\"\n]*\"", "''", source.text(tree), flags=re.DOTALL)
    lines = [line for line in code.splitlines() if not line.lstrip().startswith("#")]
    found = [line for line in lines if (len(line) - len(line.lstrip())) % 4]
    found += [
        line
        for line in lines
        if re.search(r",\S|\S[|]\S|\)\{|[^\s@$({]\{[^}]|\b(if|foreach|while|switch|param|for|elseif)\(", line)
    ]
    found += [line for line in lines if re.search(r"^\s*(else|elseif|catch|finally)\b|\s;|[^\s@$]=[^\s=]|\s`$", line)]
    return found + re.findall(r"\n[ \t]*\n[ \t]*\}", code)


RULES: dict[Rule, str] = {
    unused_parameters: "function F { param ($Used, $Unused)\nGet-A -B $Used }",
    unused_variables: "function F { $used = 1\n$unused = 2\nGet-A -B $used }",
    automatic_variables: "foreach ($event in $all) { $event }",
    empty_catches: "try { Get-A } catch { }",
    null_on_the_right: "if ($a -eq $null) { 1 }",
    positional_arguments: "Get-A 1 2 3",
    verbs_of_its_own: "function Fetch-Thing { 1 }",
    plural_nouns: "function Get-Things { 1 }",
    changes_without_what_if: "function Remove-Thing { 1 }",
    commands_to_avoid: "Invoke-Expression $a",
    globals_of_its_own: "$global:a = 1",
    untidy_lines: "if ($a) {\n   1\n}",
}


def name(value: object) -> str:
    return value.name if isinstance(value, Path) else getattr(value, "__name__", str(value))


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_rule_finds_what_it_is_for(rule: Rule) -> None:
    assert rule(source.parse(RULES[rule].encode()))


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_nothing_is_found(rule: Rule) -> None:
    found = {str(path.name): rule(source.parsed(path)) for path in SCRIPTS}
    assert {path: complaints for path, complaints in found.items() if complaints} == {}


def test_what_a_script_block_for_elsewhere_uses_does_not_count() -> None:
    text = b"function F { param ($Sent)\nInvoke-Command -Session $s -ScriptBlock { $using:Sent } }"
    assert unused_parameters(source.parse(text)) == ["sent"]
    assert not unused_parameters(source.parse(b"function F { param ($Used)\n$all | ForEach-Object -Process { $Used } }"))


def test_settings_ask_for_5_1() -> None:
    rules = source.read_data(source.FOLDER / "PSScriptAnalyzerSettings.psd1")["Rules"]
    assert isinstance(rules, dict)
    profiles = [
        "win-8_x64_10.0.14393.0_5.1.14393.2791_x64_4.0.30319.42000_framework",
        "win-8_x64_10.0.17763.0_5.1.17763.316_x64_4.0.30319.42000_framework",
    ]
    assert rules["PSUseCompatibleCommands"]["TargetProfiles"] == rules["PSUseCompatibleTypes"]["TargetProfiles"] == profiles
    assert rules["PSUseCompatibleCmdlets"]["compatibility"] == ["desktop-5.1.14393.206-windows"]
    assert "5.1" in rules["PSUseCompatibleSyntax"]["TargetVersions"]
    assert all(rule["Enable"] == "$true" for rule in rules.values() if "compatibility" not in rule)
