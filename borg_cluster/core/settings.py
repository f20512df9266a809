"""How the outside is dealt with: nodes, borg, the administrator's commands, files for others. A part of ``policy``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RemotingSettings:
    """How nodes are reached. Timeouts are seconds; ``addresses`` maps a name (lower case) to an IP address."""

    auth: str
    """kerberos, negotiate, ntlm, basic, certificate or credssp."""
    username: str | None
    password: str | None
    """A reference, as BorgSettings.passphrase."""
    port: int
    ca: str | None
    """Path of a PEM file with the authorities to trust; None: the system's."""
    configuration_name: str
    bootstrap: bool
    addresses: dict[str, str]
    connection_timeout: int
    read_timeout: int
    operation_timeout: int
    deadline: int
    """Seconds that a whole report may take before the node counts as timed out."""
    nodes_at_once: int
    certificate: str | None = None
    """Path of the PEM file of the certificate to log in with; ``password`` then belongs to its key."""
    certificate_key: str | None = None
    """Path of the PEM file of its key; None: it lies in the certificate's own file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BorgSettings:
    """How borg is run; ``passphrase`` and ``passcommand`` are references or commands, never secrets."""

    executable: str
    passphrase: str | None
    """A reference: '{credential file PATH}', '{credential systemd NAME}' or '{env NAME}'."""
    passcommand: str | None
    lock_wait: int
    umask: int
    ssh_command: str | None
    base_directory: str | None
    upload_rate_limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandHook:
    """Commands to run before or after a scope.

    ``moment`` 'before' or 'after'; ``scope`` 'action', 'repository', 'configuration', 'cluster', 'volume' or 'vm'; ``when``
    the verbs it applies to (empty: all); ``states`` of 'finish' and 'fail' (after only; empty: both); ``run`` shell lines.
    """

    moment: str
    scope: str
    when: tuple[str, ...]
    states: tuple[str, ...]
    run: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """The files that are written after a run, for other programs; None: not wanted."""

    status_file: str | None = None
    prometheus_file: str | None = None


NO_MONITORING = Monitoring()


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginSettings:
    """Which plugins are loaded: ``only`` these (None: all), never those that are ``blocked``. Those built in always are.

    ``patience``: seconds that a plugin may take for one answer.
    """

    only: tuple[str, ...] | None = None
    blocked: tuple[str, ...] = ()
    patience: float = 60.0

    def why_off(self, name: str) -> str | None:
        """Return why a plugin of that name is not to be loaded, or None."""
        if name in self.blocked:
            return "blocked"
        return None if self.only is None or name in self.only else "not among those that are asked for"


EVERY_PLUGIN = PluginSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedBlocks:
    """How a job reads disks whose changes Windows tells."""

    use: bool
    """Read only what changed, where that can be proven; all otherwise."""
    full_every: int
    """Each so many archives of a VM one is read in full all the same, and compared; 0: never for that reason."""
    verify_fraction: float
    """Part of the unchanged blocks that is read and compared each time, 0 to 1."""
    full: bool = False
    """This time all is read, and compared."""


NO_CHANGED_BLOCKS = ChangedBlocks(use=False, full_every=0, verify_fraction=0.0)
