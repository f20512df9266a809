"""The keys of jobs: what is taken, where it goes, how often, how long it is kept; and how much is done at the same time."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from borg_cluster.config import words
from borg_cluster.config.kinds import AtOnce, AutoOrNever, Count, Duration, Fraction, Frequency, FullEvery, Keys, Text


class AtOnceKeys(Keys):
    """How much is done at the same time; of a repository it is always one archive, since Borg has one writer."""

    archives: AtOnce = Field(default=4, description="Archives in all, each of another repository")
    archives_per_node: AtOnce = Field(default=2, description="Archives of VMs of one node")
    archives_per_volume: AtOnce = Field(default=2, description="Archives that read one volume")
    snapshots_per_volume: AtOnce = Field(default=2, description="VMs of one volume that are frozen")


class ConditionKeys(Keys):
    """What a VM must meet: every key that is given. Globs (* ? []) don't mind the case."""

    name: Text | None = Field(default=None, description="Glob of the VM's name")
    id: Annotated[Text, AfterValidator(words.parse_id)] | None = Field(default=None, description="The VM's id")
    node: Text | None = Field(default=None, description="Glob of the node where it is")
    volume: Text | None = Field(default=None, description="Glob of the name of a mount that holds a disk of it")
    tag: Text | None = Field(
        default=None, description="Glob of a tag: a word of the VM's notes that begins with #, without the #"
    )
    highly_available: bool | None = Field(default=None, description="Whether it is a clustered role")


class SelectKeys(Keys):
    """Which VMs a job takes."""

    include: list[ConditionKeys] = Field(default=[], description="Take the VMs that meet any of these; all, if there are none")
    exclude: list[ConditionKeys] = Field(default=[], description="Leave out the VMs that meet any of these")


class AssignKeys(ConditionKeys):
    """A rule: what meets its condition goes into its repository."""

    repository: Annotated[Text, Field(description="Label of the repository, one of the job's")]


class JobKeys(Keys):
    """A job: one archive a VM, one archive a volume, or a look at the cluster."""

    kind: Literal["virtual_machines", "volumes", "discovery"] = Field(
        description="virtual_machines: one archive a VM; volumes: one a volume, less the files that VM archives hold; "
        "discovery: none, the cluster is asked"
    )
    repository: Text | None = Field(
        default=None, description="Label of the repository that all of it goes into; may be left out if there is only one"
    )
    repositories: list[Text] = Field(
        default=[], description="Or globs of the labels of several, among which the VMs (or volumes) are shared out"
    )
    assign: list[AssignKeys] = Field(
        default=[],
        description="Rules for that, the first that holds; else by their ids. What has archives stays where it is",
    )
    select: SelectKeys = Field(default=SelectKeys(), description="Which VMs (virtual_machines jobs)")
    volumes: list[Text] = Field(
        default=[], description="Globs of mount names (volumes jobs); all cluster volumes and shares, if there are none"
    )
    consistency: Literal["application", "crash", "none"] = Field(
        default="application",
        description="What a VM that runs is read from: an application- or crash-consistent recovery snapshot, or its live files",
    )
    on_failure: Literal["fail", "fall_back"] = Field(
        default="fail", description="When that snapshot can't be had: the VM fails, or the next weaker one is taken and said"
    )
    max_age: Duration | None = Field(
        default=None, description="How old a VM's newest good archive may be to keep its files out of a volume's archive"
    )
    compression: Annotated[Text, AfterValidator(words.parse_compression)] | None = Field(
        default="lz4", description="Compression, as Borg takes it"
    )
    chunker_params: Annotated[Text, AfterValidator(words.parse_chunker)] | None = Field(
        default=None, description="Chunker parameters, as Borg takes them; else fixed,1048576 with changed_blocks, or Borg's own"
    )
    changed_blocks: AutoOrNever = Field(default="auto", description="Read only what may have changed of a VM's disks; or: never")
    full_every: FullEvery = Field(default=30, description="Each so many archives of a VM, read one in full and compare; 0: none")
    verify_fraction: Fraction = Field(default=0.01, description="Part of the unchanged that is read and compared each time")
    extra_borg_options: list[Text] = Field(default=[], description="More options for `borg create`, one an item")
    frequency: Frequency = Field(
        default="always", validate_default=True, description="How often `borg-cluster run` without names runs it; or: always"
    )
    keep_within: Duration | None = Field(default=None, description="Keep all archives that are younger than this")
    keep_last: Count | None = Field(default=None, description="Keep so many archives, the newest; -1 keeps all")
    keep_hourly: Count | None = Field(default=None, description="Keep the last archive of so many hours; -1: of every hour")
    keep_daily: Count | None = Field(default=None, description="Keep the last archive of so many days; -1: of every day")
    keep_weekly: Count | None = Field(default=None, description="Keep the last archive of so many weeks; -1: of every week")
    keep_monthly: Count | None = Field(default=None, description="Keep the last archive of so many months; -1: of every month")
    keep_yearly: Count | None = Field(default=None, description="Keep the last archive of so many years; -1: of every year")
