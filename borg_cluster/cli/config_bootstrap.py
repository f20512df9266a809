"""`borg-cluster config bootstrap`."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import click

from borg_cluster import bootstrap, config
from borg_cluster.bootstrap import Bootstrapped, Kept, Opening
from borg_cluster.borg_upkeep import UpkeepBorg
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import json_document, new_console, sentence, words, write_line
from borg_cluster.cli.site import open_context
from borg_cluster.config import words as languages
from borg_cluster.config.written import save
from borg_cluster.core.policy import Policy, Repository
from borg_cluster.errors import BorgClusterError, ExitCode, RepositoryRefused, UsageError
from borg_cluster.plugins import PluginManager
from borg_cluster.upkeep.rebuild import rebuild

_NO_PASSPHRASE = {"NoPassphraseFailure", "PassphraseWrong"}
_TYPED = "{typed at the terminal}"


@click.command("bootstrap", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.REFUSED))
@click.argument("repository")
@click.option("--encryption-passphrase", metavar="REFERENCE", help="To open it, and for the file: '{credential file PATH}'.")
@click.option("--encryption-passcommand", metavar="COMMAND", help="The same, by a command that prints the passphrase.")
@click.option("--ssh-command", metavar="COMMAND", help="Instead of ssh, to reach it; and for the file.")
@click.option("--archive", metavar="NAME", help="Look into this archive alone.")
@click.option("--destination", type=Path, metavar="FILE", default=config.DEFAULT_FILE, show_default=True, help="Where to write.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@json_option
@click.pass_obj
def command(settings: Settings, /, *, repository: str, archive: str | None, destination: Path, **options: object) -> int:
    """Make a configuration from a REPOSITORY alone.

    Out of what its archives keep of theirs: the newest one, with the jobs that only others know. Without a passphrase option
    $BORG_PASSPHRASE, $BORG_PASSCOMMAND or the terminal opens it. What archives don't keep is said: command lines, secrets.
    """
    overwrite = bool(options.pop("overwrite"))
    opening = _opening(repository, options)
    if destination.exists() and not overwrite:
        save(destination, "", overwrite=False)
    found = _find(settings.plugins, opening, archive)
    made = bootstrap.compose(found, _cluster(found, settings.cluster), opening)
    policy = config.check(made.text, name=str(destination))
    save(destination, made.text, overwrite=overwrite)
    warnings = (*made.warnings, *_missing_here(policy, settings.plugins), *_take_in(policy, settings.plugins))
    _tell(settings, replace(made, warnings=warnings), destination)
    return ExitCode.WARNINGS if warnings else ExitCode.FINE


def _opening(repository: str, options: dict[str, object]) -> Opening:
    """Return how the repository is opened. Raises UsageError for what is no reference to a secret: it may be the secret."""
    given = {name.removeprefix("encryption_"): None if value is None else str(value) for name, value in options.items()}
    try:
        remote = ":" in repository
        location = languages.parse_repository(repository if remote else os.fspath(Path(repository).absolute()))
        if given["passphrase"] is not None:
            languages.parse_secret(given["passphrase"])
    except languages.Wrong as wrong:
        raise UsageError(str(wrong), hint=wrong.hint) from wrong
    if given["passphrase"] is not None and given["passcommand"] is not None:
        raise UsageError("--encryption-passphrase and --encryption-passcommand: only one")
    return Opening(repository=location, **given)


def _find(plugins: PluginManager, opening: Opening, archive: str | None) -> tuple[Kept, ...]:
    """Return what the archives keep; the passphrase is asked for if borg wants one and none was given."""
    if opening.passphrase is not None or opening.passcommand is not None:
        return bootstrap.find(_borg(plugins, opening), archive=archive)
    variable, command = (os.environ.get(name) for name in ("BORG_PASSPHRASE", "BORG_PASSCOMMAND"))
    if variable is not None or command is not None:
        given = replace(opening, passphrase="{env BORG_PASSPHRASE}") if variable else replace(opening, passcommand=command)  # noqa: S106 - a reference
        return bootstrap.find(_borg(plugins, given), archive=archive)
    try:
        return bootstrap.find(_borg(plugins, opening), archive=archive)
    except RepositoryRefused as error:
        if error.fields.get("msgid") not in _NO_PASSPHRASE:
            raise
        if not sys.stdin.isatty():
            hint = "--encryption-passphrase '{credential file PATH}', --encryption-passcommand, or $BORG_PASSPHRASE"
            raise RepositoryRefused(error.message, hint=hint, **error.fields) from error
    typed = str(click.prompt(f"Passphrase of {opening.repository}", hide_input=True, err=True))
    repository = Repository(path=opening.repository, label=opening.repository)
    borg = UpkeepBorg(bootstrap.settings(replace(opening, passphrase=_TYPED)), repository, secret=lambda _: typed)
    return bootstrap.find(borg, archive=archive)


def _borg(plugins: PluginManager, opening: Opening) -> UpkeepBorg:
    repository = Repository(path=opening.repository, label=opening.repository)
    return UpkeepBorg(bootstrap.settings(opening), repository, secret=plugins.secret)


def _cluster(found: tuple[Kept, ...], wanted: str | None) -> str:
    names = bootstrap.clusters(found)
    chosen = [name for name in names if wanted is None or wanted.lower() in {name.lower(), name.lower().partition(".")[0]}]
    if len(chosen) != 1:
        said = (
            f"the repository holds archives of {len(names)} clusters"
            if wanted is None
            else f"no archive is of the cluster {wanted}"
        )
        raise UsageError(said, hint=f"borg-cluster --cluster NAME config bootstrap ...; there are: {', '.join(names)}")
    return chosen[0]


def _missing_here(policy: Policy, plugins: PluginManager) -> tuple[str, ...]:
    """Return what the configuration names and this machine lacks."""
    told: list[str] = []
    references = (("encryption_passphrase", policy.borg.passphrase), ("remoting: password", policy.remoting.password))
    for key, reference in references:
        try:
            if reference is not None:
                plugins.secret(reference)
        except BorgClusterError as error:
            told.append(f"{key}: {error.message}")
    files = {"remoting: ca": policy.remoting.ca, "remoting: certificate": policy.remoting.certificate}
    told += [f"{key}: {path} is not there" for key, path in files.items() if path is not None and not Path(path).exists()]
    told += [f"mounts: {mount.path} is not there" for mount in policy.mounts if not Path(mount.path).is_dir()]
    return tuple(told)


def _take_in(policy: Policy, plugins: PluginManager) -> tuple[str, ...]:
    """Let the catalog know the archives that are there, so that `list` does; return why not where it can't."""
    try:
        state = config.state_directory(os.environ)
        with open_context(policy, plugins=plugins, emit=lambda _: None, state=state) as context:
            rebuilt = rebuild(context, reason="the configuration was made from a repository")
    except BorgClusterError as error:
        return (error.message,)
    return tuple(f"the repository {label}: {reason}" for label, reason in rebuilt.failed)


def _tell(settings: Settings, made: Bootstrapped, destination: Path) -> None:
    if settings.json:
        fields: dict[str, object] = {
            "file": destination,
            "cluster": made.cluster,
            "archives": made.archives,
            "warnings": made.warnings,
        }
        write_line(json_document("bootstrapped", fields))
        return
    console = new_console(color=settings.color)
    console.print(sentence(words(destination, "bold"), f": the configuration of {made.cluster}, from"), soft_wrap=True)
    for archive in made.archives:
        console.print(sentence("  ", archive, style="dim"), soft_wrap=True)
    for warning in made.warnings:
        console.print(sentence(words("to do: ", "yellow"), warning), soft_wrap=True)
    console.print("Next: borg-cluster config validate, borg-cluster doctor, borg-cluster list", soft_wrap=True)
