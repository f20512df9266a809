"""A backup plan as people read it: job by job, what goes in, what stays out, what is refused, and why."""

from collections import Counter
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from borg_cluster.cli.inventory_view import vm_label
from borg_cluster.cli.render import counted, sentence, size, words
from borg_cluster.core.archive import ArchiveKind
from borg_cluster.core.backup_plan import BackupPlan, LeftOut, PlannedArchive, Skipped
from borg_cluster.core.inventory import Inventory
from borg_cluster.core.policy import Job, Policy

_MARK = 9
_INDENT = 2 + _MARK


def plan_view(plan: BackupPlan, inventory: Inventory, *, policy: Policy, every_file: bool = False) -> RenderableType:
    """Return the plan for a terminal; ``every_file`` also names each file that is read or left out."""
    names = {vm.id: vm_label(vm.name, vm.id) for vm in inventory.virtual_machines}
    parts: list[RenderableType] = [_head(plan)]
    for job in policy.jobs:
        part = list(_job(plan, job, names=names, every_file=every_file))
        if part:
            parts += [
                Text(),
                sentence(words(job.name, "bold"), f"  {job.kind.replace('_', ' ')} to {', '.join(job.labels)}"),
                *part,
            ]
    for by_choice, head in (
        (False, "Uncovered: their files stay in their volume's archive"),
        (True, "In their volume's archive only"),
    ):
        left = [vm for vm in plan.uncovered if vm.by_choice is by_choice]
        if left:
            parts += [Text(), words(head, "bold" if by_choice else "bold yellow")]
            parts += [sentence("  ", vm_label(vm.name, vm.subject), f"  {vm.reason}") for vm in left]
    return Group(*parts)


def _head(plan: BackupPlan) -> Text:
    kinds = Counter(archive.kind for archive in plan.archives)
    machines = counted(kinds[ArchiveKind.VIRTUAL_MACHINE], "VM archive")
    volumes = counted(kinds[ArchiveKind.VOLUME], "volume archive")
    refused = sum(skipped.refused for skipped in plan.skipped)
    return sentence(words(plan.cluster, "bold"), f"  {machines}, {volumes}" + (f", {refused} refused" if refused else ""))


def _job(plan: BackupPlan, job: Job, *, names: dict[str, Text], every_file: bool) -> Iterator[RenderableType]:
    for archive in plan.archives:
        if archive.job == job.name:
            yield from _archive(archive, names=names, every_file=every_file, shared=len(job.labels) > 1)
    without = (skipped for skipped in plan.skipped if skipped.job == job.name)
    for skipped in sorted(without, key=lambda skipped: not skipped.refused):
        yield from _skipped(skipped)


def _archive(archive: PlannedArchive, *, names: dict[str, Text], every_file: bool, shared: bool) -> Iterator[RenderableType]:
    machine = archive.kind is ArchiveKind.VIRTUAL_MACHINE
    subject = vm_label(archive.name, archive.subject) if machine else words(archive.name, "bold")
    yield _line("in", sentence(subject, _facts(archive)), "green")
    yield _below(archive.reason)
    if shared:
        yield _below(f"to {archive.repository}: {archive.repository_reason}")
    yield _below(f"consistency {archive.consistency}: {archive.consistency_reason}", "dim")
    for warning in archive.warnings:
        yield _below(f"warning: {warning}", "yellow")
    if every_file:
        for planned in archive.files:
            yield _below(planned.file.archive_path, "dim")
    yield from _left_out(archive.left_out, names=names, every_file=every_file)


def _facts(archive: PlannedArchive) -> str:
    node = f"  on {archive.node}" if archive.node else ""
    if archive.kind is ArchiveKind.VOLUME:
        return node
    total = sum(planned.file.size or 0 for planned in archive.files)
    return f"{node}  {counted(len(archive.files), 'file')}, {size(total)}"


def _left_out(files: tuple[LeftOut, ...], *, names: dict[str, Text], every_file: bool) -> Iterator[RenderableType]:
    """Yield a line for each VM whose files the volume leaves out, with the archive that holds them."""
    for (vm_id, held_by), count in Counter((file.vm_id, file.held_by) for file in files).items():
        owner = names.get(vm_id, words(vm_id))
        yield Padding(sentence("less ", counted(count, "file"), " of ", owner, ": ", held_by), (0, 0, 0, _INDENT), expand=False)
        if every_file:
            for file in files:
                if (file.vm_id, file.held_by) == (vm_id, held_by):
                    yield _below(f"  {file.archive_path}", "dim")


def _skipped(skipped: Skipped) -> Iterator[RenderableType]:
    mark, style = ("refused", "bold red") if skipped.refused else ("out", "dim")
    label = words(skipped.name, "bold") if skipped.subject == skipped.name else vm_label(skipped.name, skipped.subject)
    yield _line(mark, sentence(label, "  ", words(skipped.code, "dim")), style)
    yield _below(skipped.reason)


def _line(mark: str, rest: Text, style: str) -> Text:
    return sentence(Text(f"  {mark:<{_MARK}}", style), rest)


def _below(text: str, style: str = "") -> RenderableType:
    return Padding(words(text, style), (0, 0, 0, _INDENT), expand=False)
