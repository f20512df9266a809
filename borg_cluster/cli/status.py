"""`borg-cluster status`."""

from collections.abc import Iterator

import click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from borg_cluster.cli.inventory_view import vm_label
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import counted, duration, fields_of, json_document, moment, sentence, table, words, write_line
from borg_cluster.cli.site import open_site
from borg_cluster.context import Context
from borg_cluster.core.coverage import Coverage, CoverageState, Covered, coverage
from borg_cluster.core.inventory import Inventory
from borg_cluster.core.schedule import due_checks
from borg_cluster.discover import current_inventory
from borg_cluster.errors import ExitCode, Refused
from borg_cluster.leftovers import told
from borg_cluster.monitoring import past

_STYLE = {CoverageState.GOOD: "green", CoverageState.EXCLUDED: "dim", CoverageState.UNCOVERED: "yellow"}


@click.command("status", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.REFUSED))
@click.option("--refresh", is_flag=True, help="Ask the nodes first; otherwise the last inventory counts.")
@json_option
@click.pass_obj
def command(settings: Settings, /, *, refresh: bool) -> int:
    """Show how well each VM and each volume is covered.

    Each with its last good archive, its age against what its job promises (max_age), and whether its newest run failed; the VMs
    and volumes that no job takes care of; what was left unfinished. Exit code 1 if anything is not as it should be.
    """
    with open_site(settings) as site:
        context = site.context
        inventory = current_inventory(context) if refresh else context.catalog.latest_inventory(context.policy.cluster)
        if inventory is None:
            raise Refused(f"nothing is known of {context.policy.cluster} yet", hint="borg-cluster discover, or status --refresh")
        found = coverage(inventory, context.plugins.heed(context.policy, inventory), past(context, shown=moment), context.clock())
        left = _leftovers(context, inventory)
        checks = tuple(_checks(context))
        code = ExitCode.FINE if found.is_fine and not left else ExitCode.WARNINGS
        if settings.json:
            facts = {
                "cluster": inventory.cluster,
                "inventory": inventory.taken_at,
                "exit_code": code,
                "leftovers": left,
                "checks": checks,
            }
            write_line(json_document("status", facts | _fields(found)))
        else:
            site.console.print(_view(found, inventory.cluster, inventory.taken_at, left, checks))
        return code


def _leftovers(context: Context, inventory: Inventory) -> list[str]:
    """Return what runs and restores that died, or wait for a word, left behind, and the archives that are suspect."""
    left = [f"{one.message}: {one.ended_by}" for one in told(context, inventory)]
    left += [
        f"{archive} in {repository.label} is suspect: {reason}"
        for repository in context.policy.repositories
        for archive, reason in context.catalog.suspects(repository.label).items()
    ]
    return left


def _checks(context: Context) -> Iterator[dict[str, str | None]]:
    """Yield what each check of each repository was last: when it went well, and why it is due or not."""
    for repository in context.policy.repositories:
        last = context.catalog.upkeep(context.policy.cluster, repository.label)
        for one in due_checks(context.policy.checks, last, context.clock()):
            well = last.get(one.kind)
            yield {
                "repository": repository.label,
                "check": one.kind.value,
                "last_well": None if well is None else well.isoformat(),
                "due": "due" if one.due.due else "not due",
                "reason": one.due.reason,
            }


def _fields(found: Coverage) -> dict[str, object]:
    def plain(one: Covered) -> dict[str, object]:
        return fields_of(one) | {"made_at": None if one.made_at is None else one.made_at.isoformat()}

    return {
        "virtual_machines": [plain(one) for one in found.virtual_machines],
        "volumes": [plain(one) for one in found.volumes],
    }


def _view(
    found: Coverage, cluster: str, taken_at: str, left: list[str], checks: tuple[dict[str, str | None], ...]
) -> RenderableType:
    lines: list[RenderableType] = [sentence(words(cluster, "bold"), words(f"  as of {moment(taken_at)}", "dim")), Text()]
    lines.append(_rows("VM", found.virtual_machines, ids=True))
    if found.volumes:
        lines += [Text(), _rows("Volume", found.volumes, ids=False)]
    reasons = [one for one in (*found.virtual_machines, *found.volumes) if one.reason]
    if reasons:
        lines.append(Text())
        lines += [sentence(words(one.name, "bold"), "  ", words(one.reason, "dim")) for one in reasons]
    if checks:
        rows = table("Check", "Repository", "Last went well", "")
        for one in checks:
            well = one["last_well"]
            told = f"{one['due']}, {one['reason']}"
            rows.add_row(one["check"], words(one["repository"]), "never" if well is None else moment(well), words(told, "dim"))
        lines += [Text(), rows]
    if left:
        lines += [Text(), words(f"{counted(len(left), 'leftover')}", "yellow"), *(words(f"  {one}") for one in left)]
    return Group(*lines)


def _rows(title: str, covered: tuple[Covered, ...], *, ids: bool) -> Table:
    several = len({one.repository for one in covered if one.repository}) > 1
    where = ("Repository",) if several else ()
    rows = table(title, "State", "Last good archive", "Age", "Promise", *where, "Jobs", right=("Age", "Promise"))
    for one in covered:
        rows.add_row(
            vm_label(one.name, one.subject) if ids else words(one.name, "bold"),
            words(one.state, _STYLE.get(one.state, "bold red")),
            words("none" if one.made_at is None else moment(one.made_at.isoformat())),
            "" if one.age is None else duration(max(one.age, 0.0)),
            "" if one.promise is None else duration(one.promise),
            *((words(one.repository or ""),) if several else ()),
            words(", ".join(one.jobs), "dim"),
        )
    return rows
