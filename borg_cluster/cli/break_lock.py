"""`borg-cluster break-lock`."""

import click

from borg_cluster.borg_locks import find_holders
from borg_cluster.cli.options import Settings, exit_codes
from borg_cluster.cli.render import sentence, words
from borg_cluster.cli.site import Site, open_site
from borg_cluster.core.policy import Repository
from borg_cluster.errors import ExitCode, Refused
from borg_cluster.upkeep import choose, open_upkeep


@click.command("break-lock", epilog=exit_codes(ExitCode.ALL_FAILED, ExitCode.REFUSED))
@click.argument("repositories", nargs=-1, metavar="[REPOSITORY]...")
@click.pass_obj
def command(settings: Settings, /, *, repositories: tuple[str, ...]) -> int:
    """Take away the lock of a process that is dead.

    Only if it ran on this host and is no more; for any other the holder is named and nothing is done. Borg itself clears such a
    lock at its next run, so this is for those who want to see it gone. REPOSITORY is a label.
    """
    with open_site(settings) as site:
        for repository in choose(site.context, repositories):
            _break(site, repository)
    return ExitCode.FINE


def _break(site: Site, repository: Repository) -> None:
    holders = find_holders(site.context.policy.borg, repository)
    alive = [holder for holder in holders if not holder.dead]
    if alive:
        raise Refused(f"{repository.label} is locked: {alive[0].render()}", hint="wait for it, or see to it on its own host")
    if not holders:
        site.console.print(sentence(words(repository.label, "bold"), " is not locked"))
        return
    open_upkeep(site.context, repository).break_lock()
    for holder in holders:
        site.console.print(sentence(words(repository.label, "bold"), f" was locked by {holder.render()}"), soft_wrap=True)
