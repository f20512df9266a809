"""The claim on a restore's VM: made on the cluster by this process, and taken from another one only if that is dead.

The claim's id is the restore's, so that whoever has its plan and records finds it. Its holder is who walks it now: this machine's
own processes are known to be dead, since their journal could be locked; of another machine's nothing is assumed.
"""

from borg_cluster.bridge import Lost
from borg_cluster.claim_holder import is_dead, this_process
from borg_cluster.core import step as kinds
from borg_cluster.core.finding import one_line
from borg_cluster.core.vm_state import ClaimState
from borg_cluster.errors import Claimed
from borg_cluster.extract.scene import Scene, lost

HOLDERS = "holders"
"""The fact that names the processes that walked this restore with this journal, and those that the user has declared dead."""


def claim(step: kinds.Claim, scene: Scene) -> Lost | None:
    """Take the claim. Raises Claimed if it is another's, or this restore's in the hand of a process that may be alive."""
    me, known = this_process(), holders(scene.progress.facts)
    if me not in known:
        scene.note(HOLDERS, [*known, me])
    answer = _ask(step, scene, me)
    if not isinstance(answer, Lost) and answer.acquired and answer.holder != me:
        _refuse_alive(answer, known, scene)
        gone = lost(_remove(step, scene))
        if gone is not None:
            return gone
        answer = _ask(step, scene, me)
    if isinstance(answer, Lost):
        return answer
    if not answer.acquired:
        raise Claimed(
            one_line(f"{scene.progress.plan.name} is claimed by {answer.holder} since {answer.since}: {answer.purpose}"),
            hint=f"wait until it is done; borg-cluster claim show {scene.progress.claimed_id}",
            holder=answer.holder,
            since=answer.since,
            purpose=answer.purpose,
            claim_id=answer.claim_id,
        )
    return None


def unclaim(step: kinds.Unclaim, scene: Scene) -> Lost | None:
    """Give the claim up, if it is still this restore's."""
    return lost(_remove(step, scene))


def holders(facts: dict[str, object]) -> list[str]:
    """Return the processes that a restore's facts name."""
    noted = facts.get(HOLDERS)
    return [str(one) for one in noted] if isinstance(noted, list | tuple) else []


def _refuse_alive(found: ClaimState, known: list[str], scene: Scene) -> None:
    if found.holder in known or is_dead(found.holder or ""):
        return
    restore_id = scene.restore_id
    raise Claimed(
        one_line(f"the restore {restore_id} is in the hand of {found.holder} since {found.since}, which may be alive"),
        hint="go on there; if that process is dead for sure, say --take-over",
        holder=found.holder,
        since=found.since,
        purpose=found.purpose,
        claim_id=found.claim_id,
    )


def _ask(step: kinds.Claim, scene: Scene, me: str) -> ClaimState | Lost:
    return scene.context.bridge.new_claim(
        scene.any_node,
        vm_id=scene.progress.claimed_id,
        folder=step.folder,
        claim_id=step.claim_id,
        holder=me,
        purpose=scene.progress.purpose,
    )


def _remove(step: kinds.Claim | kinds.Unclaim, scene: Scene) -> ClaimState | Lost:
    return scene.context.bridge.remove_claim(
        scene.any_node, vm_id=scene.progress.claimed_id, folder=step.folder, claim_id=step.claim_id
    )
