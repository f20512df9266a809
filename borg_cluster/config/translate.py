"""Validated keys -> core.policy.Policy: defaults that depend on other keys are filled in here."""

from borg_cluster.config import job_keys, keys, words
from borg_cluster.core.caps import Caps
from borg_cluster.core.policy import (
    Assignment,
    BorgSettings,
    ChangedBlocks,
    Check,
    CheckKind,
    CommandHook,
    Compaction,
    Condition,
    Job,
    JobKind,
    Monitoring,
    Mount,
    OnFailure,
    Policy,
    RemotingSettings,
    Repository,
    Retention,
    Selection,
    WantedConsistency,
)
from borg_cluster.core.retry import Retries

_MONTH = 30 * 86400
_CHECKS = (Check(kind=CheckKind.REPOSITORY, frequency=_MONTH), Check(kind=CheckKind.ARCHIVES, frequency=_MONTH))
"""What is checked unless the configuration says what; as borgmatic does."""

_ENDPOINTS = {False: "BorgCluster", True: "Microsoft.PowerShell"}
"""Session configurations by whether the module is sent there: the JEA endpoint of our own, and Windows' full one."""


def policy_of(configuration: keys.Configuration) -> Policy:
    """Return the policy that a validated and checked configuration stands for."""
    cluster = configuration.cluster
    repositories = tuple(Repository(path=item.path, label=item.label or item.path) for item in configuration.repositories)
    return Policy(
        cluster=cluster.name,
        seeds=tuple(cluster.nodes),
        domain=cluster.domain or cluster.name.partition(".")[2] or None,
        remoting=_remoting(configuration.remoting),
        mounts=tuple(_mount(mount) for mount in configuration.mounts),
        repositories=repositories,
        borg=_borg(configuration),
        discovery_max_age=configuration.discovery.max_age,
        archive_name_format=configuration.archive_name_format,
        jobs=tuple(_job(name, job, repositories) for name, job in configuration.jobs.items()),
        commands=tuple(_command(command) for command in configuration.commands),
        keep_parked=configuration.restore.keep_parked,
        release_when_due=configuration.restore.release_when_due,
        stop_action=configuration.restore.stop_action,
        checks=_checks(configuration.checks),
        compaction=Compaction(frequency=configuration.compact.frequency, threshold=configuration.compact.threshold),
        monitoring=Monitoring(**configuration.monitoring.model_dump()),
        caps=_caps(configuration.at_once),
        guest_storage=tuple(_condition(condition) for condition in configuration.guest_storage),
        retries=Retries(most=configuration.retries, wait=configuration.retry_wait),
    )


def _caps(at_once: job_keys.AtOnceKeys) -> Caps:
    return Caps(
        archives=at_once.archives,
        per_node=at_once.archives_per_node,
        per_volume=at_once.archives_per_volume,
        snapshots_per_volume=at_once.snapshots_per_volume,
    )


def _checks(checks: list[keys.CheckKeys] | None) -> tuple[Check, ...]:
    if checks is None:
        return _CHECKS
    return tuple(Check(kind=CheckKind(check.name), frequency=check.frequency) for check in checks)


def _remoting(remoting: keys.RemotingKeys) -> RemotingSettings:
    values = {name: getattr(remoting, name) for name in keys.RemotingKeys.model_fields}
    values["addresses"] = {name.lower(): address for name, address in remoting.addresses.items()}
    values["configuration_name"] = remoting.configuration_name or _ENDPOINTS[remoting.bootstrap]
    return RemotingSettings(**values)


def _borg(configuration: keys.Configuration) -> BorgSettings:
    values = {name: getattr(configuration.borg, name) for name in keys.BorgKeys.model_fields}
    return BorgSettings(
        passphrase=configuration.encryption_passphrase, passcommand=configuration.encryption_passcommand, **values
    )


def _mount(mount: keys.MountKeys) -> Mount:
    return Mount(
        windows=mount.windows,
        path=mount.path,
        name=mount.name or words.default_mount_name(mount.windows),
        node=None if mount.node == "*" else mount.node,
        writable=mount.writable,
    )


def _job(name: str, job: job_keys.JobKeys, repositories: tuple[Repository, ...]) -> Job:
    return Job(
        name=name,
        kind=JobKind(job.kind),
        repository=_repository(job, repositories),
        repositories=_shared_out(job, repositories),
        assign=tuple(
            Assignment(condition=_condition(rule, but={"repository"}), repository=rule.repository) for rule in job.assign
        ),
        select=Selection(
            include=tuple(_condition(condition) for condition in job.select.include),
            exclude=tuple(_condition(condition) for condition in job.select.exclude),
        ),
        volumes=tuple(job.volumes),
        max_age=job.max_age,
        compression=job.compression,
        chunker_params=job.chunker_params,
        extra_borg_options=tuple(job.extra_borg_options),
        retention=_retention(job),
        frequency=job.frequency,
        consistency=WantedConsistency(job.consistency),
        on_failure=OnFailure(job.on_failure),
        changed_blocks=ChangedBlocks(
            use=job.changed_blocks == "auto" and job.kind == "virtual_machines",
            full_every=job.full_every,
            verify_fraction=job.verify_fraction,
        ),
    )


def _retention(job: job_keys.JobKeys) -> Retention:
    return Retention(
        within=job.keep_within,
        last=job.keep_last or 0,
        hourly=job.keep_hourly or 0,
        daily=job.keep_daily or 0,
        weekly=job.keep_weekly or 0,
        monthly=job.keep_monthly or 0,
        yearly=job.keep_yearly or 0,
    )


def _repository(job: job_keys.JobKeys, repositories: tuple[Repository, ...]) -> str:
    """Return the label of a job that has one repository, or ''."""
    if job.kind == "discovery" or job.repositories:
        return ""
    return job.repository or repositories[0].label


def _shared_out(job: job_keys.JobKeys, repositories: tuple[Repository, ...]) -> tuple[str, ...]:
    labels = (repository.label for repository in repositories)
    return tuple(label for label in labels if any(words.fits(glob, label) for glob in job.repositories))


def _condition(condition: job_keys.ConditionKeys, *, but: set[str] | None = None) -> Condition:
    return Condition(**condition.model_dump(exclude=but))


def _command(command: keys.CommandKeys) -> CommandHook:
    return CommandHook(
        moment="before" if command.before else "after",
        scope=command.before or command.after or "action",
        when=tuple(command.when),
        states=tuple(command.states),
        run=tuple(command.run),
    )
