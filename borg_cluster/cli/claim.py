"""`borg-cluster claim`: who works on which VM, and breaking the claim of somebody who died."""

import sys

import click

from borg_cluster import extract
from borg_cluster.cli.inventory_view import vm_label
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import clean, json_document, moment, sentence, words, write_line
from borg_cluster.cli.site import Site, open_site
from borg_cluster.errors import ExitCode, Refused
from borg_cluster.extract.claims import Claim


@click.group("claim", epilog=exit_codes())
def command() -> None:
    """Show or break the claims on VMs.

    Backup or restore: one at a time works on a VM, and its claim on the cluster says which.
    """


@command.command("show", epilog=exit_codes(ExitCode.REFUSED))
@click.argument("vm", required=False, metavar="[VM]")
@json_option
@click.pass_obj
def show(settings: Settings, /, *, vm: str | None) -> int:
    """Show who works on a VM, or on any.

    The holder, since when, and what for.
    """
    with open_site(settings) as site:
        found = extract.find_claims(site.context, vm)
        if settings.json:
            write_line(json_document("claims", {"claims": [_fields(claim) for claim in found]}))
        elif found:
            for claim in found:
                _print(site, claim)
        else:
            site.console.print("Nobody works on it." if vm else "Nobody works on any virtual machine.")
    return ExitCode.FINE


@command.command("break", epilog=exit_codes(ExitCode.REFUSED))
@click.argument("vm")
@click.option("--yes", is_flag=True, help="Don't ask; needed without a terminal.")
@click.pass_obj
def break_claim(settings: Settings, /, *, vm: str, yes: bool) -> int:
    """Break the claim on a VM whose holder died.

    Never needed for a process of this machine: later runs prove by themselves that it is dead. A restore that stopped in the
    middle keeps its claim; go on with it instead: `resume --take-over`.
    """
    with open_site(settings) as site:
        claim = next(iter(extract.find_claims(site.context, vm)), None)
        if claim is None:
            raise Refused(f"nobody holds a claim on {clean(vm)}", hint="borg-cluster claim show")
        _agree(claim, yes=yes)
        extract.break_claim(site.context, claim)
        site.console.print(sentence("The claim on ", vm_label(claim.name, claim.vm_id), " is gone: ", claim.state.holder or "?"))
    return ExitCode.FINE


def _agree(claim: Claim, *, yes: bool) -> None:
    holder, purpose = clean(claim.state.holder or "?"), clean(claim.state.purpose or "?")
    if claim.alive:
        raise Refused(f"{holder} is alive, and holds it for: {purpose}", hint="wait for it, or end that process first")
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused(f"{holder} holds it for: {purpose}", hint="if it is dead for sure, say --yes")
    if not click.confirm(f"{holder} holds it since {moment(claim.state.since)} for: {purpose}. Is it dead for sure?", err=True):
        raise Refused("nothing was changed")


def _print(site: Site, claim: Claim) -> None:
    state = "alive" if claim.alive else "dead" if claim.dead else "not known to be dead or alive from here"
    head = sentence(vm_label(claim.name, claim.vm_id), "  ", claim.state.purpose or "?", f", since {moment(claim.state.since)}")
    site.console.print(head, words(f"  {claim.state.holder}: {state}", "dim"), words(f"  {claim.state.path}", "dim"), sep="\n")


def _fields(claim: Claim) -> dict[str, object]:
    return {
        "vm_id": claim.vm_id,
        "name": claim.name,
        "holder": claim.state.holder,
        "purpose": claim.state.purpose,
        "since": claim.state.since,
        "claim_id": claim.state.claim_id,
        "path": claim.state.path,
        "dead": claim.dead,
        "alive": claim.alive,
    }
