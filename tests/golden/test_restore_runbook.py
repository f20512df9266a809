"""A restore by hand, from today's plan, kept as text to review; its PowerShell parses, whatever the names hold."""

import re
from dataclasses import replace

import pytest
from tree_sitter import Language, Parser
from tree_sitter_powershell import language

from borg_cluster.core.restore_commands import STEPS
from borg_cluster.core.restore_plan import RestorePlan
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.core.restore_runbook import restore_runbook
from borg_cluster.core.step import Forward
from tests import reports, restores
from tests.golden.golden import check
from tests.golden.test_runbook import HOSTILE, SETTING

VM_ID = reports.vm_id(1)


def plan(now: str, request: RestoreRequest | None = None, *, keep_parked: bool = True) -> RestorePlan:
    """Return the plan of a VM with a hostile name that was highly available when it was archived."""
    home = r"C:\ClusterStorage\Volume1\web's [1]"
    machine = reports.vm(
        1,
        HOSTILE,
        disks=(reports.disk(rf"{home}\web.vhdx"), reports.disk(r"C:\ClusterStorage\Volume2\d\data.vhdx", location=1)),
        files=(reports.file(rf"{home}\Virtual Machines\{VM_ID}.vmcx"),),
    )
    roles = restores.highly_available(1, HOSTILE)
    then = restores.inventory({"node1": (machine,)}, **roles)
    kept = replace(restores.manifest(then, VM_ID), role_setting=SETTING)
    today = {
        "highly available": lambda: then,
        "plain": lambda: restores.inventory({"node2": (machine,)}),
        "gone": lambda: restores.inventory({}),
    }[now]()
    return restores.plan(kept, today, request=request or RestoreRequest(vm=VM_ID), keep_parked=keep_parked)


CASES = {
    "highly-available": plan("highly available"),
    "plain-now": plan("plain", keep_parked=False),
    "gone": plan("gone"),
    "copy": plan("highly available", RestoreRequest(vm=VM_ID, copy_name="it's a [copy]", volume="Volume2")),
}


@pytest.mark.parametrize("case", CASES)
def test_it_says_what_to_type_in_order(case: str) -> None:
    check(f"restore_runbooks/{case}.txt", restore_runbook(CASES[case], repository="ssh://backup@host/./it's here"))


@pytest.mark.parametrize("case", CASES)
def test_no_name_breaks_out_of_its_line_and_every_command_parses(case: str) -> None:
    text = restore_runbook(CASES[case], repository="/r\n")

    assert HOSTILE not in text
    assert all(line.isprintable() for line in text.splitlines())
    commands = [line for line in text.splitlines() if line.startswith("    ")]
    shell = re.compile(r"    (export|mkdir|borg|stat) ")
    script = "\n".join(line for line in commands if not shell.match(line) and not line.rstrip().endswith("\\claims"))
    root = Parser(Language(language())).parse(script.encode()).root_node
    assert not root.has_error, [node for node in root.children if node.has_error]


def test_every_step_of_a_restore_is_told() -> None:
    assert set(STEPS) == set(Forward.__args__)
