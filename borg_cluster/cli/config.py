"""`borg-cluster config`: validate, show, schema; the others have files of their own."""

import json

import click
import yaml

from borg_cluster import config
from borg_cluster.cli import config_bootstrap, config_generate
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import counted, fields_of, json_document, json_text, new_console, sentence, words, write_line
from borg_cluster.cli.site import chosen_policy
from borg_cluster.errors import ExitCode


@click.group("config", no_args_is_help=False, epilog=exit_codes())
def command() -> None:
    """Check, show or make the configuration."""


command.add_command(config_bootstrap.command)
command.add_command(config_generate.command)


@command.command("validate", epilog=exit_codes())
@json_option
@click.pass_obj
def validate(settings: Settings, /) -> int:
    """Check every configuration file.

    Each complaint names file, line and column, and what it should say. No node is asked anything.
    """
    paths = config.files(settings.config)
    policies = config.load_all(paths)
    if settings.json:
        found = [{"file": path, "cluster": policy.cluster} for path, policy in zip(paths, policies, strict=True)]
        write_line(json_document("configuration_files", {"files": found}))
        return ExitCode.FINE
    console = new_console(color=settings.color)
    for path, policy in zip(paths, policies, strict=True):
        facts = f"{counted(len(policy.jobs), 'job')}, {counted(len(policy.mounts), 'mount')}"
        console.print(sentence(path, ": ", words("fine", "green"), f", {policy.cluster}, {facts}"), soft_wrap=True)
    return ExitCode.FINE


@command.command("show", epilog=exit_codes())
@json_option
@click.pass_obj
def show(settings: Settings, /) -> int:
    """Print the configuration as it is understood.

    With every default; secrets are references and stay so.
    """
    fields = {name: value for name, value in fields_of(chosen_policy(settings)).items() if name != "written"}
    if settings.json:
        write_line(json_document("configuration", fields))
    else:
        plain = json.loads(json_text(fields))
        write_line(yaml.safe_dump(plain, sort_keys=False, allow_unicode=False, width=120).rstrip())
    return ExitCode.FINE


@command.command("schema", epilog=exit_codes())
def schema() -> int:
    """Print the JSON Schema of the file, for editors."""
    write_line(json_text(config.schema()))
    return ExitCode.FINE
