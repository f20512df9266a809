"""`borg-cluster doctor`."""

import click
from rich.text import Text

from borg_cluster import doctor
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import fields_of, json_document, sentence, words, write_line
from borg_cluster.cli.site import open_site
from borg_cluster.doctor import Finding, Result
from borg_cluster.errors import ExitCode

_STYLES = {Result.FINE: "green", Result.WARNING: "yellow", Result.FAILED: "bold red"}


@click.command("doctor", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.ALL_FAILED, ExitCode.SOME_FAILED))
@json_option
@click.pass_obj
def command(settings: Settings, /) -> int:
    """Look whether all is there that is needed.

    One line for each thing, with what to type where it isn't: reachability, login, module, rights and VSS writer of each node;
    presence of each mount, and whether it is writable; whether each repository opens; whether Borg is one by which only what
    changed of disks is read. Nothing is changed.
    """
    findings = []
    with open_site(settings) as site:
        for finding in doctor.examine(site.context):
            findings.append(finding)
            if not settings.json:
                site.console.print(_line(finding), soft_wrap=True)  # a line each, however long
        if settings.json:
            fields: dict[str, object] = {"cluster": site.context.policy.cluster, "findings": [fields_of(one) for one in findings]}
            write_line(json_document("doctor", fields))
    return _exit_code(findings)


def _line(finding: Finding) -> Text:
    mark = words(f"{finding.result:<8}", _STYLES[finding.result])
    line = sentence(mark, finding.subject, ": ", finding.what)
    if finding.detail:
        line = sentence(line, ": ", finding.detail)
    if finding.hint and finding.result is not Result.FINE:
        line = sentence(line, "; ", words(finding.hint, "bold"))
    return line


def _exit_code(findings: list[Finding]) -> ExitCode:
    results = {finding.result for finding in findings}
    if Result.FAILED in results:
        return ExitCode.ALL_FAILED if results == {Result.FAILED} else ExitCode.SOME_FAILED
    return ExitCode.WARNINGS if Result.WARNING in results else ExitCode.FINE
