"""`borg-cluster run`."""

import secrets
from dataclasses import replace
from uuid import uuid4

import click

from borg_cluster import extract, monitoring, run
from borg_cluster.cli.announcing import announced
from borg_cluster.cli.check import SEEDS
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import fields_of, json_document, write_line
from borg_cluster.cli.run_view import run_view
from borg_cluster.cli.site import Site, open_site
from borg_cluster.errors import ExitCode
from borg_cluster.run import JobOutcome, RunOutcome


@click.command("run", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.ALL_FAILED, ExitCode.SOME_FAILED, ExitCode.REFUSED))
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option("--no-checks", is_flag=True, help="Make no check, though it be due: it stays due.")
@json_option
@click.pass_obj
def command(settings: Settings, /, *, jobs: tuple[str, ...], no_checks: bool) -> int:
    """Do what is due: discover, create, prune, compact, check.

    What a timer runs each night. JOBs that are named are due; without names each job is by its frequency. A repository that does
    not open costs its own archives, a cluster that does not answer costs the archives but not the checks, and nothing is pruned
    of a VM whose archive failed.
    """
    with open_site(settings, mend=True) as site:
        extract.release_due(site.context)
        outcome = _run(site, jobs, checks=not no_checks)
        if settings.json:
            write_line(json_document("run", _fields(outcome)))
        else:
            site.console.print(*run_view(outcome), sep="\n", soft_wrap=True)
        return outcome.exit_code


def _run(site: Site, jobs: tuple[str, ...], *, checks: bool) -> RunOutcome:
    seed = secrets.randbelow(SEEDS)
    if run.only_looks(site.context.policy, jobs):
        outcome = run.run(site.context, run_id=str(uuid4()), seed=seed, jobs=jobs)
        monitoring.refresh(site.context)
    else:
        with announced(site, "run") as ending:
            outcome = run.run(site.context, run_id=ending.run_id, seed=seed, jobs=jobs, checks=checks)
            ending.end(site.tally, outcome.exit_code)
    # what failed after the run itself (a plugin, a file of `monitoring:`) is a warning, too
    return replace(outcome, warnings=site.tally.warnings, exit_code=outcome.exit_code or site.tally.exit_code)


def _fields(outcome: RunOutcome) -> dict[str, object]:
    return {
        "run_id": outcome.run_id,
        "cluster": outcome.cluster,
        "began": outcome.began.isoformat(),
        "ended": outcome.ended.isoformat(),
        "since": None if outcome.since is None else outcome.since.isoformat(),
        "exit_code": outcome.exit_code,
        "done": outcome.done,
        "warnings": outcome.warnings,
        "retries": outcome.retries,
        "jobs": [_job_fields(job) for job in outcome.jobs],
        "failed": [{"name": name, "reason": reason} for name, reason in outcome.failed],
        "changes": [{**fields_of(one.change), "treatment": one.treatment.value, "detail": one.detail} for one in outcome.changes],
    }


def _job_fields(job: JobOutcome) -> dict[str, object]:
    made = {"done": job.done, "failed": job.failed, "read": job.read, "stored": job.stored}
    return {"job": job.name, **fields_of(job.due), **made}
