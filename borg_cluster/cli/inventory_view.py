"""An inventory as people read it: a row a VM, then what is doubtful, then the nodes that said nothing."""

import ntpath
from collections import Counter
from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from borg_cluster.cli.render import counted, moment, sentence, short_id, size, table, words
from borg_cluster.core.inventory import Finding, Inventory, Severity, VirtualMachine, storage_of
from borg_cluster.core.policy import Mount, locate

_STYLE = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}
_WORST_FIRST = (Severity.ERROR, Severity.WARNING, Severity.INFO)
_INDENT = 10
_STATE_STYLE = {"Running": "green", "Off": "dim", "Saved": "dim"}


def inventory_view(inventory: Inventory, *, mounts: tuple[Mount, ...]) -> RenderableType:
    """Return the whole inventory for a terminal of 80 columns or more."""
    parts: list[RenderableType] = [_head(inventory), Text(), _machines(inventory, mounts)]
    for part in (_findings(inventory), _unanswered(inventory)):
        if part is not None:
            parts += [Text(), part]
    return Group(*parts)


def volumes_of(vm: VirtualMachine, inventory: Inventory, *, mounts: tuple[Mount, ...]) -> tuple[str, ...]:
    """Return the names of the storages that a VM's files lie on: as the mounts name them, else as Windows does, in order."""
    paths = [file.path for file in vm.files] or [disk.path for disk in vm.disks if disk.path]
    return tuple(dict.fromkeys(_volume_of(path, vm, inventory, mounts) for path in paths))


def _volume_of(path: str, vm: VirtualMachine, inventory: Inventory, mounts: tuple[Mount, ...]) -> str:
    located = locate(path, mounts, node=vm.node)
    if located is not None:
        return located.mount.name
    storage = storage_of(path, inventory.volumes)
    return ntpath.basename(storage) or storage


def vm_label(name: str, identifier: str) -> Text:
    """Return how a VM is named everywhere: its name and the first eight characters of its id."""
    return sentence(words(name, "bold"), " ", words(short_id(identifier), "dim"))


def _head(inventory: Inventory) -> Text:
    available = sum(vm.highly_available for vm in inventory.virtual_machines)
    machines = f"{counted(len(inventory.virtual_machines), 'VM')} ({available} highly available)"
    nodes = counted(len(inventory.nodes), "node")
    volumes = counted(len(inventory.volumes), "volume")
    title = sentence(words(inventory.cluster, "bold"), words(f"  as of {moment(inventory.taken_at)}", "dim"))
    return Text("\n").join((title, words(f"{nodes}, {volumes}, {machines}")))


def _machines(inventory: Inventory, mounts: tuple[Mount, ...]) -> Table:
    rows = table("VM", "HA", "Node", "State", "Disks", "Size", "Volume", "", right=("Disks", "Size"))
    marks = _marks(inventory.findings)
    for vm in sorted(inventory.virtual_machines, key=lambda vm: (vm.name.lower(), vm.id)):
        rows.add_row(
            vm_label(vm.name, vm.id),
            words("yes", "green") if vm.highly_available else words("no", "dim"),
            words(vm.node or "none", "" if vm.node else "red"),
            words(vm.state or "?", _STATE_STYLE.get(vm.state or "", "yellow")),
            str(len(vm.disks)),
            size(vm.size),
            words(", ".join(volumes_of(vm, inventory, mounts=mounts)) or "none"),
            marks.get(vm.id, Text()),
        )
    return rows


def _marks(findings: Iterable[Finding]) -> dict[str, Text]:
    """Return for each subject how many errors (``!``) and warnings (``?``) there are: ``!1 ?2``."""
    counts: dict[str, Counter[Severity]] = {}
    for finding in findings:
        counts.setdefault(finding.subject, Counter())[finding.severity] += 1
    signs = {Severity.ERROR: "!", Severity.WARNING: "?"}
    return {
        subject: Text(" ").join(
            Text(f"{sign}{count[severity]}", style=_STYLE[severity]) for severity, sign in signs.items() if count[severity]
        )
        for subject, count in counts.items()
    }


def findings_worst_first(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Return findings by severity, keeping their order within one."""
    return iter(sorted(findings, key=lambda finding: _WORST_FIRST.index(finding.severity)))


def _findings(inventory: Inventory) -> RenderableType | None:
    if not inventory.findings:
        return None
    names = {vm.id: vm_label(vm.name, vm.id) for vm in inventory.virtual_machines}
    lines: list[RenderableType] = [words(counted(len(inventory.findings), "finding"), "bold")]
    for finding in findings_worst_first(inventory.findings):
        severity = Text(f"  {finding.severity:<8}", _STYLE[finding.severity])
        subject = names.get(finding.subject, words(finding.subject, "bold"))
        lines.append(sentence(severity, subject, "  ", words(finding.code, "dim")))
        lines.append(_below(finding.message))
        if finding.path and finding.path.lower() not in finding.message.lower():
            lines.append(_below(finding.path, "dim"))
    return Group(*lines)


def _below(text: str, style: str = "") -> RenderableType:
    return Padding(words(text, style), (0, 0, 0, _INDENT), expand=False)


def _unanswered(inventory: Inventory) -> RenderableType | None:
    if not inventory.unanswered:
        return None
    lines: list[RenderableType] = [words(f"No answer from {counted(len(inventory.unanswered), 'node')}", "bold")]
    for lost in inventory.unanswered:
        lines.append(sentence("  ", Text(f"{lost.reason:<12}", "yellow"), words(lost.node, "bold")))
        lines.append(_below(lost.message))
        if lost.hint:
            lines.append(_below(f"hint: {lost.hint}", "dim"))
    return Group(*lines)
