"""`borg-cluster assign`."""

from dataclasses import dataclass

import click
from rich.text import Text

from borg_cluster.cli.inventory_view import vm_label
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import fields_of, json_document, sentence, table, words, write_line
from borg_cluster.cli.site import Site, open_site
from borg_cluster.context import Context
from borg_cluster.core.assignment import NOTHING_REMEMBERED, Home, Remembered, home_of_vm, home_of_volume
from borg_cluster.core.inventory import Inventory
from borg_cluster.core.policy import JobKind, Policy
from borg_cluster.core.selection import choose
from borg_cluster.core.volume_plan import wants_volume
from borg_cluster.discover import current_inventory, find_vm
from borg_cluster.errors import ExitCode, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Assigned:
    """Where a VM or a volume goes by a job."""

    job: str
    subject: str
    name: str
    repository: str
    reason: str


@click.command("assign", epilog=exit_codes(ExitCode.REFUSED))
@click.argument("subject", required=False, metavar="[VM|VOLUME]")
@click.option("--to", "label", metavar="REPOSITORY", help="Send it into this repository (its label) from now on.")
@click.option("--anew", is_flag=True, help="Let rules and ids decide anew, whatever it is in now.")
@json_option
@click.pass_obj
def command(settings: Settings, /, *, subject: str | None, label: str | None, anew: bool) -> int:
    """Show or change what goes into which repository.

    Of each VM and volume it is told why; `assign VM --to LABEL` sends one elsewhere.

    Only jobs with `repositories:` share out. What has archives stays where it is until it is sent elsewhere; its old archives
    stay where they are, and the job's retention goes on to hold for them.
    """
    if subject is None and (label is not None or anew):
        raise UsageError("which VM or volume?", hint="borg-cluster assign NAME --to REPOSITORY")
    if label is not None and anew:
        raise UsageError("--to and --anew: only one")
    with open_site(settings) as site:
        inventory = current_inventory(site.context)
        chosen = None if subject is None else _find(site.context.policy, inventory, subject)
        if chosen is not None and (label is not None or anew):
            _send(site, inventory, chosen, label)
        remembered = site.context.catalog.remembered(site.context.policy.cluster)
        found = [one for one in _all(site.context, inventory, remembered) if chosen in {None, one.subject}]
        if settings.json:
            write_line(json_document("assigned", {"assigned": [fields_of(one) for one in found]}))
        else:
            _show(site, found)
    return ExitCode.FINE


def _find(policy: Policy, inventory: Inventory, word: str) -> str:
    """Return the subject that a word names: a volume, or a VM. Raises UnknownVM."""
    volume = next((mount.name for mount in policy.mounts if mount.name.lower() == word.lower()), None)
    return volume or find_vm(inventory, word).id


def _send(site: Site, inventory: Inventory, subject: str, label: str | None) -> None:
    context = site.context
    homes = [one for one in _all(context, inventory, NOTHING_REMEMBERED) if one.subject == subject]
    jobs = [job for job in context.policy.jobs if job.name in {one.job for one in homes}]
    labels = dict.fromkeys(one for job in jobs for one in job.labels)
    if not jobs:
        raise UsageError("no job shares it out among repositories", hint="a job with repositories: [...] does")
    if label is not None and label not in labels:
        raise UsageError(f"{label} is none of its jobs' repositories", hint=f"these are: {', '.join(labels)}")
    context.catalog.send(context.policy.cluster, subject, label or homes[0].repository, context.clock())


def _all(context: Context, inventory: Inventory, remembered: Remembered) -> list[_Assigned]:
    """Return where all goes that jobs share out."""
    policy = context.plugins.heed(context.policy, inventory)
    found: list[_Assigned] = []
    vms = sorted(inventory.virtual_machines, key=lambda vm: (vm.name.lower(), vm.id))
    for job in (job for job in policy.jobs if job.repositories):
        if job.kind is JobKind.VOLUMES:
            mounts = (mount for mount in policy.mounts if wants_volume(job, mount))
            found += [_assigned(job.name, one.name, one.name, home_of_volume(one, job, remembered)) for one in mounts]
            continue
        wanted = (vm for vm in vms if choose(vm, job.select, policy.mounts).wanted)
        found += [_assigned(job.name, vm.id, vm.name, home_of_vm(vm, job, remembered, policy.mounts)) for vm in wanted]
    return found


def _assigned(job: str, subject: str, name: str, home: Home) -> _Assigned:
    return _Assigned(job=job, subject=subject, name=name, repository=home.repository, reason=home.reason)


def _show(site: Site, found: list[_Assigned]) -> None:
    if not found:
        site.console.print(Text("no job shares it out: each names its repository"))
        return
    rows = table("What", "Repository", "Job", "Why")
    for one in found:
        label = words(one.name, "bold") if one.subject == one.name else vm_label(one.name, one.subject)
        rows.add_row(label, words(one.repository), words(one.job, "dim"), sentence(words(one.reason, "dim")))
    site.console.print(rows)
