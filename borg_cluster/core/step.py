"""The steps of a restore: a closed union of frozen values that the journal holds as JSON (``kind`` is the tag).

What each needs, how to see that it's done, and its reverse stand side by side in ``step_table.py``.
"""

from dataclasses import dataclass
from typing import Literal

from borg_cluster.core import staged, step_special

Move = staged.Move
StagedFile = staged.StagedFile
RegisterCopy = step_special.RegisterCopy
TidyCopy = step_special.TidyCopy
FindCopy = step_special.FindCopy
Rehearse = step_special.Rehearse
Compare = step_special.Compare


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Take the exclusive right to the VM, by a file beside it. The claim's id is the restore's."""

    kind: Literal["Claim"] = "Claim"
    folder: str
    claim_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Extract the archive's files beside the target."""

    kind: Literal["Stage"] = "Stage"
    files: tuple[StagedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect:
    """Prove the staged files: exact lengths, VHDX structure, chain links. Until here nothing of the running VM was touched."""

    kind: Literal["Inspect"] = "Inspect"
    files: tuple[StagedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveRole:
    """Note everything that removing the role loses, as a fact in the journal."""

    kind: Literal["SaveRole"] = "SaveRole"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOfflineAction:
    """Choose how stopping the role stops the VM; ``previous`` is what was set, None if nothing need be put back."""

    kind: Literal["SetOfflineAction"] = "SetOfflineAction"
    action: int
    previous: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Take the role offline, or stop a VM that has none. ``action`` is turn_off, save or shutdown."""

    kind: Literal["Stop"] = "Stop"
    highly_available: bool
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetOfflineAction:
    """Put the policy back that SetOfflineAction changed."""

    kind: Literal["ResetOfflineAction"] = "ResetOfflineAction"
    action: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveConfiguration:
    """Copy the old configuration aside, since unregistering deletes it."""

    kind: Literal["SaveConfiguration"] = "SaveConfiguration"
    copies: tuple[Move, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveRole:
    """Remove the role; the VM stays registered, no longer highly available, if its configuration is there at all."""

    kind: Literal["RemoveRole"] = "RemoveRole"
    name: str
    configuration_path: str | None = None
    """Where the cluster looks for the VM's configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitUnclustered:
    """Wait until a node has the VM registered again after its role went; one without its configuration never comes back."""

    kind: Literal["AwaitUnclustered"] = "AwaitUnclustered"
    configuration_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """Rename the old disks away, one by one, and whatever else lies in a new file's place. What isn't there needs no parking."""

    kind: Literal["Park"] = "Park"
    moves: tuple[Move, ...]
    swap: bool = False
    """Only disks are restored: the VM is off and stays registered, and its role stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unregister:
    """Unregister the VM, which deletes its configuration: its disks are parked and its configuration saved before.

    ``configuration_path`` is the old VM's, to register it again, and ``node`` has it; None: it's the new one that goes, for good.
    """

    kind: Literal["Unregister"] = "Unregister"
    configuration_path: str | None
    node: str | None = None
    moves: tuple[Move, ...]
    copies: tuple[Move, ...]
    whole: bool = True
    """Whether the old VM has all its files; without them nothing could register it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Rename the staged files to where they belong.

    ``leftovers``: where what is still there of the old VM is parked first. ``traces``: change tracking that the new VM may make
    beside its disks, and where taking it back puts that.
    """

    kind: Literal["Place"] = "Place"
    moves: tuple[Move, ...]
    leftovers: tuple[Move, ...]
    traces: tuple[Move, ...]
    swap: bool = False  # as Park's


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Register the VM by its configuration file, on one node only: ``node`` if it's live (None: the plan's).

    ``drives``: disks that lie elsewhere than the configuration says, from where to where.
    """

    kind: Literal["Register"] = "Register"
    path: str
    node: str | None = None
    drives: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Give the VM's account its right to the files."""

    kind: Literal["Grant"] = "Grant"
    files: tuple[str, ...]
    swap: bool = False
    """As Park's: the VM of a role that is offline is registered nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DropSavedState:
    """Remove a saved state that doesn't fit the disks."""

    kind: Literal["DropSavedState"] = "DropSavedState"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRole:
    """Make the VM highly available. ``unless_gone``: a configuration without which there is no VM that could be."""

    kind: Literal["AddRole"] = "AddRole"
    name: str
    unless_gone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyRole:
    """Put the role's settings back; ``setting`` as JSON, None: those that SaveRole noted."""

    kind: Literal["ApplyRole"] = "ApplyRole"
    setting: dict[str, object] | None
    unless_gone: str | None = None
    """As AddRole's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Start the role, or a VM that has none."""

    kind: Literal["Start"] = "Start"
    highly_available: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """Look whether everything is as it should be: registered, role, running, disk paths, settings."""

    kind: Literal["Confirm"] = "Confirm"
    highly_available: bool
    running: bool
    configuration_path: str | None
    """None: Windows chose it, with the id of a copy."""
    disk_paths: tuple[str, ...]
    setting: dict[str, object] | None
    """The role's settings to find, as ApplyRole's."""
    node: str | None = None  # None: a role may have taken it anywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Delete the parked old VM: the point of no return."""

    kind: Literal["Release"] = "Release"
    folders: tuple[str, ...]
    early: bool = False
    """Before the new VM is there, since there is no room for both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Take the new files out of their places again; those that unregistering deleted need it no more."""

    kind: Literal["Withdraw"] = "Withdraw"
    moves: tuple[Move, ...]
    swap: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpark:
    """Rename the old files back to their places."""

    kind: Literal["Unpark"] = "Unpark"
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PutConfigurationBack:
    """Rename the saved configuration back to its place."""

    kind: Literal["PutConfigurationBack"] = "PutConfigurationBack"
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear:
    """Remove our folders; ``guarded`` paths, where old files were parked, must be empty."""

    kind: Literal["Clear"] = "Clear"
    folders: tuple[str, ...]
    guarded: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclaim:
    """Give the claim up."""

    kind: Literal["Unclaim"] = "Unclaim"
    folder: str
    claim_id: str


Forward = (
    Claim
    | Rehearse
    | Stage
    | Inspect
    | Compare
    | SaveRole
    | SetOfflineAction
    | Stop
    | ResetOfflineAction
    | SaveConfiguration
    | RemoveRole
    | AwaitUnclustered
    | Park
    | Unregister
    | Place
    | Register
    | RegisterCopy
    | TidyCopy
    | Grant
    | DropSavedState
    | AddRole
    | ApplyRole
    | Start
    | Confirm
    | Release
)
"""The steps of a restore, in their order."""

Step = Forward | Withdraw | Unpark | PutConfigurationBack | FindCopy | Clear | Unclaim
"""All kinds: those of a restore, and those that only its reverse and its end know."""
