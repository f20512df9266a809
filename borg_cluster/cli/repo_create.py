"""`borg-cluster repo-create`."""

import click

from borg_cluster.cli.options import Settings, exit_codes
from borg_cluster.cli.render import sentence, words
from borg_cluster.cli.site import open_site
from borg_cluster.errors import ExitCode, UsageError
from borg_cluster.upkeep import choose, open_upkeep

_NONE = "none"
_MODES = (
    "repokey-blake2",
    "repokey",
    "keyfile-blake2",
    "keyfile",
    "authenticated-blake2",
    "authenticated",
    _NONE,
)


@click.command("repo-create", epilog=exit_codes(ExitCode.ALL_FAILED, ExitCode.REFUSED))
@click.argument("repositories", nargs=-1, metavar="[REPOSITORY]...")
@click.option(
    "--encryption", type=click.Choice(_MODES), default=_MODES[0], show_default=True, metavar="MODE", help="As borg init has it."
)
@click.pass_obj
def command(settings: Settings, /, *, repositories: tuple[str, ...], encryption: str) -> int:
    """Make the repositories of the configuration.

    With the passphrase that the configuration refers to. One that is there already is refused. REPOSITORY is a label.
    """
    with open_site(settings) as site:
        borg = site.context.policy.borg
        if encryption != _NONE and borg.passphrase is None and borg.passcommand is None:
            raise UsageError(
                f"{encryption} needs a passphrase",
                hint="set encryption_passphrase: or encryption_passcommand: in the configuration, or say --encryption none",
            )
        for repository in choose(site.context, repositories):
            open_upkeep(site.context, repository).init(encryption=encryption)
            site.console.print(sentence(words(repository.label, "bold"), f" is made: {repository.path}"), soft_wrap=True)
            if encryption != _NONE:
                hint = f"keep a copy of its key elsewhere: borg key export {repository.path} FILE"
                site.console.print(words(hint, "dim"), soft_wrap=True)
    return ExitCode.FINE
