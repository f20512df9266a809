"""Looking at the cluster for one restore: every live node is asked about the VM at the same time, and the answers are merged.

No answer is chosen and none is assumed: a node that is up and silent shows in ``Observed.lost``.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from borg_cluster.bridge import Lost
from borg_cluster.context import Context
from borg_cluster.core.observed import Observed, merge_states
from borg_cluster.core.policy import locate
from borg_cluster.core.progress import Progress
from borg_cluster.core.vm_state import ClaimState, VMState
from borg_cluster.discover import address_of, ask_any
from borg_cluster.errors import RestoreStopped

_LIVE = frozenset({"Up", "Paused"})
_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between looks while something settles; the last one repeats."""


class Look:
    """The cluster as one restore sees it.

    Args:
        context: the site.
        progress: of the restore, which tells its VM.
        silent: nodes that can't hold it, beside those of the plan.
    """

    def __init__(self, context: Context, progress: Progress, silent: tuple[str, ...] = ()) -> None:
        self._context = context
        plan = progress.plan
        self._vm_id, self._claimed_id = progress.vm_id, progress.claimed_id
        self._silent = {node.lower() for node in (*plan.silent_nodes, *silent)}
        self._preferred = plan.node
        self._addresses: dict[str, str] = {}
        self._down: tuple[str, ...] = ()
        self._live: tuple[str, ...] = ()

    @property
    def live(self) -> tuple[str, ...]:
        """The names of the nodes that answered last, the one that the plan names first."""
        return self._live

    def address(self, node: str) -> str:
        """Return the name by which a node is reached."""
        return self._addresses.get(node, node)

    def refresh(self) -> None:
        """Ask a live node which nodes there are. Raises ClusterUnreachable."""
        report = ask_any(self._context, self._context.bridge.get_report)
        self._addresses = {node.name: address_of(node) for node in report.nodes}
        up = {node.name for node in report.nodes if node.state in _LIVE}
        self._down = tuple(node for node in self._addresses if node not in up)
        # The plan's node comes first: it's the one that is asked about files.
        self._live = tuple(sorted(up, key=lambda name: (name.lower() != self._preferred.lower(), name)))

    def now(self, paths: tuple[str, ...], *, claim_folder: str | None = None) -> Observed:
        """Return what the live nodes show, with the state of ``paths`` and, if its folder is given, the claim.

        Raises ClusterUnreachable if no node answers, RestoreStopped if the only node that can see a path does not.
        """
        if not self._live:
            self.refresh()
        states, lost = self._ask(paths)
        if lost:
            self.refresh()
            states, lost = self._ask(paths)
        answered = {state.node.lower() for state in states}
        self._live = tuple(node for node in self._live if node.lower() in answered)
        silent = tuple(node for node in self._addresses if node.lower() not in answered and node.lower() not in self._silent)
        if paths and not any(state.files for state in states):
            raise RestoreStopped(f"{self._preferred} does not answer, and no other node sees {paths[0]}")
        return merge_states(states, lost=silent, claim=self._claim(claim_folder) if claim_folder else None)

    def cleared(self, observed: Observed) -> tuple[str, ...]:
        """Return the nodes that are down and can't hold the VM, since it's seen on a live one now; they don't count any more.

        A node that goes down later counts: it may be the one that had it.
        """
        owner = (observed.role.owner_node or "").lower() if observed.role is not None else None
        seen = bool(observed.registrations) or owner in {node.lower() for node in self._live}
        new = tuple(node for node in self._down if node.lower() not in self._silent) if seen else ()
        self._silent |= {node.lower() for node in new}
        return new

    def settled(self, paths: tuple[str, ...], *, seconds: float, enough: Callable[[Observed], bool]) -> Observed:
        """Look until ``enough`` says so, or ``seconds`` are over; return the last look."""
        until = self._context.clock() + timedelta(seconds=seconds)
        looks = 0
        while not enough(observed := self.now(paths)) and self._context.clock() < until:
            time.sleep(_PAUSES[min(looks, len(_PAUSES) - 1)])
            looks += 1
        return observed

    def _ask(self, paths: tuple[str, ...]) -> tuple[tuple[VMState, ...], tuple[Lost, ...]]:
        bridge = self._context.bridge
        asked = self._live
        if not asked:
            return (), ()
        seer = self._seer(paths)
        with ThreadPoolExecutor(max_workers=min(len(asked), self._context.policy.remoting.nodes_at_once)) as pool:
            answers = tuple(
                pool.map(
                    lambda node: bridge.get_vm_state(self.address(node), vm_id=self._vm_id, path=paths if node == seer else ()),
                    asked,
                )
            )
        states = tuple(answer for answer in answers if isinstance(answer, VMState))
        return states, tuple(answer for answer in answers if isinstance(answer, Lost))

    def _seer(self, paths: tuple[str, ...]) -> str | None:
        """Return the node to ask about paths: any for those that every node reaches, the plan's for its own disks'."""
        mounts = self._context.policy.mounts
        anywhere = all(locate(path, mounts, node=None) is not None for path in paths)
        if anywhere or self._live[0].lower() == self._preferred.lower():
            return self._live[0]
        return None

    def _claim(self, folder: str) -> ClaimState | None:
        answer = self._context.bridge.get_claim(self.address(self._live[0]), vm_id=self._claimed_id, folder=folder)
        return None if isinstance(answer, Lost) else answer
