"""What the acts of a restore work with, and how long they may take."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from borg_cluster.bridge import Lost
from borg_cluster.context import Context
from borg_cluster.core.observed import Observed
from borg_cluster.core.progress import Progress
from borg_cluster.core.vm_state import RoleSetting
from borg_cluster.extract.look import Look

SETTINGS: TypeAdapter[RoleSetting] = TypeAdapter(RoleSetting)
STOP_SECONDS = 900
"""A guest may take minutes to shut down; a saved state is as large as the VM's memory."""
START_SECONDS = 300
REAPPEAR_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What an act works with: the site, how far the restore is, who is live, what was seen just before."""

    context: Context
    progress: Progress
    look: Look
    observed: Observed
    in_doubt: bool
    """The step may have been carried out before."""
    note: Callable[[str, object], None]
    """Writes a fact into the journal."""

    @property
    def vm_id(self) -> str:
        """The VM's id; a copy's own as soon as it's known."""
        return self.progress.vm_id

    @property
    def restore_id(self) -> str:
        """The restore's id, which every change carries."""
        return self.progress.plan.source.restore_id

    @property
    def any_node(self) -> str:
        """The address of a live node, for what the cluster does: the role's owner if it's live."""
        role = self.observed.role
        owner = (role.owner_node or "").lower() if role is not None else ""
        return self.look.address(next((node for node in self.look.live if node.lower() == owner), self.look.live[0]))

    @property
    def file_node(self) -> str:
        """The address of a live node that reaches the files: the one that the plan names if it's live."""
        return self.look.address(self.look.live[0])

    @property
    def holder(self) -> str:
        """The address of the node that has the VM registered, for what only it can do."""
        found = self.observed.registrations
        return self.look.address(found[0].node) if found else self.file_node


def lost(answer: object) -> Lost | None:
    """Return an answer if it is none."""
    return answer if isinstance(answer, Lost) else None


def setting_of(given: dict[str, object] | None, scene: Scene) -> RoleSetting | None:
    """Return the role's settings that a step names, given or noted by SaveRole (a copy's under its own name), or None."""
    noted = scene.progress.facts.get("role_setting") if given is None else given
    if noted is None:
        return None
    setting, copy_name = SETTINGS.validate_python(noted), scene.progress.plan.request.copy_name
    return setting if copy_name is None else replace(setting, vm_id=scene.vm_id, name=copy_name)
