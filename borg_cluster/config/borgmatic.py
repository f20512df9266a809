"""A job of ours as a configuration of borgmatic's (2.1 and later), which runs it as it is. Pure."""

import re
import shlex
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from borg_cluster.config.written import render
from borg_cluster.core.policy import CheckKind, Job, Policy, Repository
from borg_cluster.core.quoting import without_passwords
from borg_cluster.errors import UsageError

_HEAD = """\
# A job of borg-cluster for borgmatic 2.1 or later, printed by `borg-cluster borgmatic-config --job {job}`. Put it into
# /etc/borgmatic.d/{job}.yaml; nothing in it must be edited. borgmatic reads the frozen files of running VMs, and no others.
"""
_PERIODS = ("hourly", "daily", "weekly", "monthly", "yearly")


def borgmatic(policy: Policy, job: Job, repositories: tuple[Repository, ...], *, patterns: str, call: tuple[str, ...]) -> str:
    """Return borgmatic's configuration.

    Args:
        policy: ours.
        job: the job.
        repositories: where borgmatic writes.
        patterns: the pattern file that ``snapshot open`` writes.
        call: the words by which borg-cluster is called, its state directory and configuration included.

    Raises UsageError for a secret that borgmatic can't have.
    """
    made: dict[str, Any] = {
        "repositories": [{"path": without_passwords(one.path), "label": one.label} for one in repositories],
        "patterns_from": [patterns],
        "source_directories_must_exist": True,
        "commands": [_hook("before", "open", job, call), _hook("after", "close", job, call)],
        # inodes don't last on network file systems
        "files_cache": "mtime,size",
        # its own names, so that neither prunes the other's archives
        "archive_name_format": f"borgmatic-{job.name}-{{now:%Y-%m-%dT%H:%M:%S}}",
        **_borg(policy, job),
        **_retention(job),
    }
    if policy.checks:
        made["checks"] = [_check(check.kind, check.frequency) for check in policy.checks]
    return _HEAD.format(job=job.name) + render(made)


def _hook(moment: str, verb: str, job: Job, call: tuple[str, ...]) -> dict[str, Any]:
    line = shlex.join((*call, "snapshot", verb, "--job", job.name))
    # once a run; 'action' and 'repository' would be once a repository, and 'everything' doesn't clean up after a failure
    return {moment: "configuration", "when": ["create"], "run": [line]}


def _borg(policy: Policy, job: Job) -> dict[str, Any]:
    borg = policy.borg
    made: dict[str, Any] = {
        "encryption_passphrase": None if borg.passphrase is None else _secret(borg.passphrase),
        "encryption_passcommand": borg.passcommand,
        "compression": job.compression,
        "chunker_params": job.chunker_params,
        "local_path": None if borg.executable == "borg" else borg.executable,
        "ssh_command": borg.ssh_command,
        "borg_base_directory": borg.base_directory,
        "lock_wait": borg.lock_wait,
        "umask": int(f"{borg.umask:o}"),  # octal digits, which borgmatic hands on as they are
        "upload_rate_limit": borg.upload_rate_limit,
        "extra_borg_options": {"create": shlex.join(job.extra_borg_options)} if job.extra_borg_options else None,
    }
    return {key: value for key, value in made.items() if value is not None}


def _secret(reference: str) -> str:
    """Return a reference in borgmatic's words: they are the same, but for the environment. Raises UsageError for a keyring's."""
    if reference.strip("{ ").startswith("keyring"):
        raise UsageError(f"borgmatic knows no {reference}", hint="give it the passphrase by {credential file PATH}")
    variable = re.fullmatch(r"\{\s*env\s+(\S+)\s*\}", reference)
    return f"${{{variable[1]}}}" if variable else reference


def _retention(job: Job) -> dict[str, Any]:
    rules = job.retention
    if rules.keeps_all:
        return {"skip_actions": ["prune"]}
    made: dict[str, Any] = {f"keep_{period}": getattr(rules, period) for period in _PERIODS if getattr(rules, period)}
    if rules.within is not None:
        made["keep_within"] = f"{max(1, round(timedelta(seconds=rules.within).total_seconds() / 3600))}H"
    if rules.last:
        made["keep_secondly"] = rules.last  # what Borg makes of --keep-last
    return made


def _check(kind: CheckKind, frequency: int | None) -> Mapping[str, Any]:
    if frequency is None:
        return {"name": kind.value}
    days, rest = divmod(frequency, 86_400)
    return {"name": kind.value, "frequency": f"{max(1, round(frequency / 3600))} hours" if rest or not days else f"{days} days"}
