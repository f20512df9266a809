"""Every way to fail, and the exit codes.

::

    BorgClusterError
     ├── UsageError            64  a wrong word on the command line or in the configuration
     │    └── ConfigError          ... with file:line:column for each complaint
     ├── Refused                4  nothing was started
     │    ├── UnknownVM            no such VM; names the near ones
     │    ├── NotMapped            files that no mount of the configuration reaches
     │    ├── AlreadyRunning       the same job runs; names the holder
     │    ├── Claimed              somebody else holds the claim on the VM
     │    ├── ClusterUnreachable   no node answered
     │    ├── CatalogDamaged       the catalog's file is no whole SQLite file any more
     │    ├── RepositoryRefused    missing, locked, wrong passphrase: Borg's own reason
     │    └── Vetoed               a plugin's gate said no
     ├── CommandFailed          2  a node carried a command out and reported an error record
     │    └── CommandMissing       its endpoint has no such command, or not for this login
     ├── BorgFailed             2  the borg process failed
     ├── FrozenChanged          2  what a recovery snapshot froze did not stay as it was
     └── RestoreStopped         2  a restore stopped in the middle; says how to go on

An exception is raised only when the *run* cannot go on; the failure of one VM among others is a value (an event).
"""

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What `borg-cluster` exits with. Borg's own codes are shown, never passed through."""

    FINE = 0
    WARNINGS = 1
    ALL_FAILED = 2
    SOME_FAILED = 3
    REFUSED = 4
    USAGE = 64
    SKIPPED = 75
    """A command hook's way of saying 'skip this, without an error' (EX_TEMPFAIL, as in borgmatic)."""


EXIT_CODE_MEANING = {
    ExitCode.FINE: "everything was done",
    ExitCode.WARNINGS: "everything was done, with warnings",
    ExitCode.ALL_FAILED: "everything failed",
    ExitCode.SOME_FAILED: "some failed, the others were done",
    ExitCode.REFUSED: "refused before anything was started; nothing was changed",
    ExitCode.USAGE: "wrong usage or configuration",
    ExitCode.SKIPPED: "skipped (only from command hooks)",
}
"""The exit code table; 128+n after signal n comes on top. The README's table is tested against it."""


class BorgClusterError(Exception):
    """The root: a one-line message, what to type next, and fields for programs.

    Arguments: ``message`` one line for people; ``hint`` what to type or look at next; ``fields`` structured facts (JSON values)
    for ``--log-json``.
    """

    exit_code = ExitCode.ALL_FAILED

    def __init__(self, message: str, *, hint: str | None = None, **fields: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.fields = fields


class UsageError(BorgClusterError):
    """A wrong word on the command line or in the configuration."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One thing wrong in a configuration file; ``place`` is file:line:column."""

    place: str
    message: str
    hint: str | None = None

    def render(self) -> str:
        """Return the complaint as one line."""
        return f"{self.place}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class ConfigError(UsageError):
    """A configuration that can't be used; all complaints at once."""

    def __init__(self, complaints: tuple[Complaint, ...]) -> None:
        super().__init__("\n".join(complaint.render() for complaint in complaints))
        self.complaints = complaints


class Refused(BorgClusterError):
    """Nothing was started and nothing was changed."""

    exit_code = ExitCode.REFUSED


class UnknownVM(Refused):
    """No VM answers to that name or id."""


class NotMapped(Refused):
    """A file that is to be read or written lies on no mount of the configuration."""


class AlreadyRunning(Refused):
    """The same job (or a restore of the same VM from this machine) runs already."""


class Claimed(Refused):
    """The VM is claimed on the cluster by somebody else."""


class ClusterUnreachable(Refused):
    """No node of the cluster answered."""


class CatalogDamaged(Refused):
    """The catalog's file is damaged, or no SQLite file at all. Field: ``path``."""


class RepositoryRefused(Refused):
    """The repository is missing, locked, or does not open; Borg's own reason."""


class Vetoed(Refused):
    """A plugin's gate refused the plan."""


class CommandFailed(BorgClusterError):
    """A node ran a command and answered with an error record.

    Fields: ``node``, ``command``, ``error_id`` (FullyQualifiedErrorId), ``category``, ``code`` (Win32 or HRESULT as text, or
    None), ``target``.
    """


class CommandMissing(CommandFailed):
    """The endpoint of a node, or of all of them, has no such command for this login: nothing was done. Field: ``node``."""


class BorgFailed(BorgClusterError):
    """The borg process failed. Fields: ``return_code``, ``msgid``."""


class FrozenChanged(BorgClusterError):
    """The files that a recovery snapshot froze did not stay the same while they were read."""


class RestoreStopped(BorgClusterError):
    """A restore stopped in the middle; the message says at which step, the hint how to resume or undo it."""
