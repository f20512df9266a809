"""Every key of the configuration file: its type, its default, one line about it. The JSON Schema is made from this."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.json_schema import GenerateJsonSchema

from borg_cluster.config import words
from borg_cluster.config.job_keys import AtOnceKeys, ConditionKeys, JobKeys
from borg_cluster.config.keys_beside import MonitoringKeys, PluginKeys, RestoreKeys
from borg_cluster.config.kinds import (
    Duration,
    Frequency,
    JobName,
    Keys,
    LocalPath,
    Number,
    Pause,
    Seconds,
    Secret,
    Text,
    Umask,
    Verb,
    named,
)


class ClusterKeys(Keys):
    """The cluster, and where to ask."""

    name: Annotated[Text, Field(min_length=1, description="The cluster's name, or better its full DNS name")]
    nodes: list[Text] = Field(default=[], description="Nodes to ask when the cluster's name does not answer, in this order")
    domain: Text | None = Field(
        default=None, description="DNS domain of nodes that report only a short name; the cluster name's own by default"
    )


class RemotingKeys(Keys):
    """How nodes are reached: PowerShell Remoting over HTTPS."""

    auth: Literal["kerberos", "negotiate", "ntlm", "basic", "certificate", "credssp"] = Field(
        default="kerberos", description="How to log in; only negotiate may end as NTLM where Kerberos does not work"
    )
    username: Text | None = Field(default=None, description="User to log in as; Kerberos can do without, by its ticket")
    password: Secret | None = Field(
        default=None, description="A reference to the password, never the password itself; without one a terminal is asked"
    )
    certificate: LocalPath | None = Field(default=None, description="PEM file of the certificate to log in with")
    certificate_key: LocalPath | None = Field(
        default=None, description="PEM file of its key (its password is `password`); the certificate's own file by default"
    )
    port: int = Field(default=5986, ge=1, le=65535, description="TCP port of WinRM's HTTPS listener")
    ca: LocalPath | None = Field(default=None, description="PEM file of the authorities to trust; this machine's by default")
    configuration_name: Text | None = Field(
        default=None,
        description="Session configuration on the nodes: BorgCluster by default, Microsoft.PowerShell with bootstrap",
    )
    bootstrap: bool = Field(
        default=False, description="Without a JEA endpoint: send the module's files into a full session (needs an administrator)"
    )
    addresses: dict[str, Annotated[Text, AfterValidator(words.parse_address)]] = Field(
        default={}, description="IP addresses of names that DNS does not know; TLS still checks the name"
    )
    connection_timeout: Seconds = Field(default=10, description="Seconds until a node that does not accept counts as unreachable")
    read_timeout: Seconds = Field(default=60, description="Seconds to wait for an HTTP answer; more than operation_timeout")
    operation_timeout: Seconds = Field(default=20, description="Seconds after which WinRM answers 'still running'")
    deadline: Seconds = Field(default=300, description="Seconds that a whole report may take before the node counts as timed out")
    nodes_at_once: Number = Field(default=32, description="How many nodes are asked at the same time")


class MountKeys(Keys):
    """Where files under a Windows path are reached on this machine."""

    windows: Annotated[
        Text,
        AfterValidator(words.parse_windows_path),
        Field(description="Windows path prefix: a cluster volume, an SMB share, or a folder of one node's disk (see node)"),
    ]
    path: LocalPath = Field(description="Where it is mounted here")
    name: Annotated[Text, AfterValidator(words.parse_mount_name)] | None = Field(
        default=None, description="First folder of the paths in archives; the last part of the Windows path by default"
    )
    node: Annotated[Text, AfterValidator(words.parse_node)] | None = Field(
        default=None,
        description="Short name of the node whose own disk it is; '*' for a clustered disk that moves between nodes",
    )
    writable: bool = Field(default=True, description="false: restores don't write here")


class RepositoryKeys(Keys):
    """A Borg repository."""

    path: Annotated[Text, AfterValidator(words.parse_repository), Field(description="Its location, as Borg takes it")]
    label: Text | None = Field(default=None, description="Its name in this file and on the terminal; the path by default")


class BorgKeys(Keys):
    """How borg is run."""

    executable: Text = Field(default="borg", description="The borg program: a name or an absolute path")
    lock_wait: Seconds = Field(default=60, description="Seconds to wait for a repository's lock")
    umask: Umask = Field(default="0077", validate_default=True, description="Umask of files that borg writes, in octal digits")
    ssh_command: Text | None = Field(default=None, description="Command instead of ssh for remote repositories")
    base_directory: LocalPath | None = Field(
        default=None, description="Where borg keeps its cache, keys and security data; its own default otherwise"
    )
    upload_rate_limit: Annotated[int, Field(ge=1)] | None = Field(default=None, description="KiB a second to remote repositories")


class DiscoveryKeys(Keys):
    """When the cluster is asked again."""

    max_age: Duration = Field(
        default="15m", validate_default=True, description="An inventory older than this is taken anew before it is used"
    )


class CheckKeys(Keys):
    """A check of each repository."""

    name: Literal["repository", "archives", "data", "extract", "boot"] = Field(
        description="repository, archives, data (all of it is read): Borg's own; extract: a random VM is extracted and compared; "
        "boot: a copy of a random VM is started without network, and removed"
    )
    frequency: Frequency = Field(default="always", validate_default=True, description="How often it is made; or: always")


class CompactKeys(Keys):
    """When the space of removed archives is freed."""

    frequency: Frequency = Field(default="always", validate_default=True, description="How often; or: always")
    threshold: int = Field(default=10, ge=0, le=99, description="Percent that a segment must save to be written anew")


Scope = Literal["action", "repository", "configuration", "cluster", "volume", "vm"]


class CommandKeys(Keys):
    """Commands to run before or after something; exit code 75 of a before command skips it without an error."""

    before: Scope | None = Field(default=None, description="Run before each of these; either this or after")
    after: Scope | None = Field(default=None, description="Run after each of these, also when it failed")
    when: list[Verb] = Field(default=[], description="Only for these verbs; all, if there are none")
    states: list[Literal["finish", "fail"]] = Field(
        default=[], description="Only after this outcome (after); both, if there are none"
    )
    run: list[Text] = Field(min_length=1, description="Shell commands, one after the other")


class Configuration(Keys):
    """The configuration of one cluster for borg-cluster."""

    cluster: Annotated[ClusterKeys, BeforeValidator(named("name"), json_schema_input_type=str | ClusterKeys)] = Field(
        description="The cluster: its name, or a mapping"
    )
    remoting: RemotingKeys = Field(default=RemotingKeys(), description="How nodes are reached")
    mounts: list[MountKeys] = Field(default=[], description="Where the cluster's files are reached on this machine")
    repositories: list[RepositoryKeys] = Field(default=[], description="Borg repositories")
    encryption_passphrase: Secret | None = Field(
        default=None, description="A reference to the repositories' passphrase, never the passphrase itself"
    )
    encryption_passcommand: Text | None = Field(default=None, description="A command that prints the passphrase")
    borg: BorgKeys = Field(default=BorgKeys(), description="How borg is run")
    discovery: DiscoveryKeys = Field(default=DiscoveryKeys(), description="When the cluster is asked again")
    archive_name_format: Annotated[Text, AfterValidator(words.parse_archive_name_format)] = Field(
        default="{cluster}-{subject}-{now}",
        description="Names of archives: {cluster}, {subject} (VM id or volume) and {now} (UTC)",
    )
    jobs: dict[JobName, JobKeys] = Field(default={}, description="What is backed up, by a name of your own")
    guest_storage: list[ConditionKeys] = Field(
        default=[],
        description="VMs whose guests keep data on storage that they reach by themselves (iSCSI, SMB, NFS), "
        "which no report tells: they are refused",
    )
    at_once: AtOnceKeys = Field(default=AtOnceKeys(), description="How much is done at the same time")
    retries: Annotated[int, Field(ge=0, le=100)] = Field(
        default=3, description="How often what waiting may mend (a node, a lock, a connection, a share) is tried again"
    )
    retry_wait: Pause = Field(
        default=30, description="Seconds before the first retry of something; before the second twice as long, and so on"
    )
    checks: list[CheckKeys] | None = Field(
        default=None, description="Checks of each repository; repository and archives, both once a month, if it is left out"
    )
    compact: CompactKeys = Field(default=CompactKeys(), description="When the space of removed archives is freed")
    commands: list[CommandKeys] = Field(default=[], description="Commands to run before and after")
    monitoring: MonitoringKeys = Field(default=MonitoringKeys(), description="Files for other programs, written after a run")
    restore: RestoreKeys = Field(default=RestoreKeys(), description="How VMs are restored in place")
    plugins: PluginKeys = Field(default=PluginKeys(), description="Other people's code, and ours in hooks/")


class _Schema(GenerateJsonSchema):
    """Pydantic's generator without the titles that it makes of the keys' names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - as pydantic has it
        return False


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the configuration file, for editors and for the tests."""
    made = Configuration.model_json_schema(schema_generator=_Schema)
    return {"$schema": GenerateJsonSchema.schema_dialect, **made, "title": "borg-cluster"}
