"""Verb: ask every node, return the inventory. And its small relations: which inventory holds now, where a VM is now."""

import difflib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from borg_cluster import journal
from borg_cluster.bridge import Lost
from borg_cluster.context import Context
from borg_cluster.core.event import Discovered, NodeAnswered, NodeAsked, NodeFailed
from borg_cluster.core.finding import label, one_line
from borg_cluster.core.inventory import Inventory, Unanswered, VirtualMachine, vm_id_key
from borg_cluster.core.merge import contradictory_nodes, map_storage, merge
from borg_cluster.core.report import ClusterNode, ClusterReport, NodeReport, WriterReport
from borg_cluster.errors import ClusterUnreachable, CommandFailed, CommandMissing, UnknownVM

T = TypeVar("T")

_ALIVE = frozenset({"Up", "Paused"})
_ID_PREFIX = 8
"""So many characters of an id are shown in tables; they name a VM where they're unique."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What one node said. ``writer`` None: it was not asked, since the node is lost."""

    report: NodeReport | Lost
    writer: WriterReport | Lost | None
    seconds: float


def discover(context: Context, *, because: str = "it was asked for") -> Inventory:
    """Ask the cluster, then every node that is up at the same time; merge, record in the catalog and return.

    If the answers contradict each other (a VM migrated between two of them), the nodes concerned are asked once more.

    Args:
        context: the site.
        because: why, for the event.

    Raises:
        ClusterUnreachable: no node gave the cluster's report; the message has each one's reason.
    """
    began = context.clock()
    report = _cluster_report(context)
    answers = _ask_nodes(context, [node for node in report.nodes if node.state in _ALIVE])
    inventory = _merged(context, report, answers, at=began)
    doubtful = contradictory_nodes(inventory)
    if doubtful:
        report = _cluster_report(context)
        doubtful |= contradictory_nodes(_merged(context, report, answers, at=began))  # who owns it now
        again = [node for node in report.nodes if node.state in _ALIVE and (node.name in doubtful or node.name not in answers)]
        answers |= _ask_nodes(context, again)
        inventory = _merged(context, report, answers, at=began)
    context.catalog.record_inventory(inventory)
    _tell(context, inventory, seconds=(context.clock() - began).total_seconds(), age=0.0, reason=because)
    return inventory


def current_inventory(context: Context, *, refresh: bool = False, because: str | None = None) -> Inventory:
    """Return the last inventory if it is younger than ``discovery: max_age``, else discover.

    Args:
        context: the site.
        refresh: discover in any case.
        because: what contradicted the inventory in mid-operation; discover in any case.

    Raises:
        ClusterUnreachable: discovery was needed, and no node answered.
    """
    if because is not None or refresh:
        return discover(context, because=because or "a refresh was asked for")
    known = context.catalog.latest_inventory(context.policy.cluster)
    if known is None:
        return discover(context, because="nothing is known of this cluster yet")
    age = (context.clock() - datetime.fromisoformat(known.taken_at)).total_seconds()
    limit = context.policy.discovery_max_age
    if age < 0:
        return discover(context, because="the last inventory is newer than the clock")
    if age >= limit:
        return discover(context, because=f"the last inventory is {_duration(age)} old, max_age is {_duration(limit)}")
    if journal.worked_since(context.state, datetime.fromisoformat(known.taken_at)):
        return discover(context, because="a restore has changed the cluster since")
    reason = f"the last inventory is {_duration(age)} old, younger than max_age {_duration(limit)}"
    inventory = map_storage(known, context.policy.mounts)  # the configuration may have changed since
    _tell(context, inventory, seconds=0.0, age=age, reason=reason)
    return inventory


def find_vm(inventory: Inventory, word: str) -> VirtualMachine:
    """Return the VM that a word names: its id, its exact name, its name without case, or the beginning of its id.

    Raises:
        UnknownVM: no VM, with the near names as hint; or several, with their ids.
    """
    machines = inventory.virtual_machines
    key = vm_id_key(word)
    ways: tuple[Callable[[VirtualMachine], bool], ...] = (
        lambda vm: vm.id == key,
        lambda vm: vm.name == word,
        lambda vm: vm.name.casefold() == word.casefold(),
        lambda vm: len(key) >= _ID_PREFIX and vm.id.startswith(key),
    )
    for fits in ways:
        found = [vm for vm in machines if fits(vm)]
        if len(found) > 1:
            hint = f"say which by its id: {', '.join(f'{vm.id} on {vm.node}' for vm in found)}"
            raise UnknownVM(one_line(f"{len(found)} VMs are called {word}"), hint=hint, word=word)
        if found:
            return found[0]
    raise UnknownVM(one_line(f"the cluster {inventory.cluster} has no VM {word}"), hint=_near(machines, word), word=word)


def locate_vm(context: Context, vm_id: str) -> str | None:
    """Return the node that owns a VM now, or None if it is nowhere to be found.

    The owner of its role if the cluster has one for it (that costs one question); else the node where it is registered, the one
    of the last inventory asked first.

    Raises:
        ClusterUnreachable: no node answered.
    """
    report = _cluster_report(context)
    roles = {role.id: role for role in report.roles}
    for resource in report.resources:
        if resource.resource_type == "Virtual Machine" and resource.vm_id is not None and vm_id_key(resource.vm_id) == vm_id:
            role = roles.get(resource.role_id)
            return (role.owner_node if role else None) or resource.owner_node
    known = context.catalog.latest_inventory(context.policy.cluster)
    last = {vm.node for vm in known.virtual_machines if vm.id == vm_id} if known else set()
    alive = [node for node in report.nodes if node.state in _ALIVE]
    for node in sorted(alive, key=lambda node: (node.name not in last, node.name)):
        state = _or_lost(lambda name: context.bridge.get_vm_state(name, vm_id=vm_id), address_of(node))
        if not isinstance(state, Lost) and state.registration is not None:
            return node.name
    return None


def ask_any(context: Context, ask: Callable[[str], T | Lost]) -> T:
    """Call ``ask`` with one name after the other until one isn't Lost: the controlling node is any live one.

    The cluster's own name is first, then the configuration's nodes, then those of the last inventory.

    Raises:
        ClusterUnreachable: all are lost; the message has each one's reason.
        CommandFailed: a node answered with an error record; CommandMissing: none has that command for this login.
    """
    lost: list[Lost] = []
    for name in _candidates(context):
        answer = ask(name)
        if not isinstance(answer, Lost):
            return answer
        lost.append(answer)
    if lost and all(it.missing for it in lost):
        raise CommandMissing(lost[0].message, hint=lost[0].hint, node=lost[0].node)
    nodes_by_reason: dict[str, list[str]] = {}
    for it in lost:  # a wrong password is told once, not for each node
        nodes_by_reason.setdefault(it.message.removeprefix(f"{it.node}: "), []).append(it.node)
    reasons = "; ".join(one_line(f"{', '.join(nodes)}: {reason}") for reason, nodes in nodes_by_reason.items())
    hint = next((it.hint for it in lost if it.hint), "name its nodes in the configuration (cluster: nodes:)")
    raise ClusterUnreachable(
        f"no node of the cluster {context.policy.cluster} answered: {reasons}", hint=hint, lost=_hopeful(lost)
    )


def _hopeful(lost: list[Lost]) -> str:
    """Return the reason that waiting may mend, if any of them is such."""
    return next((it.reason for it in lost if it.reason in {"unreachable", "timed_out"}), lost[0].reason if lost else "failed")


def address_of(node: ClusterNode) -> str:
    """Return the name by which a node is reached: what it says itself, else its short name (the bridge adds the domain)."""
    return node.fqdn or node.name


def _candidates(context: Context) -> Iterator[str]:
    """Yield names to ask, once each; the catalog is looked into only when the others are exhausted."""
    tried: set[str] = set()
    for name in (context.policy.cluster, *context.policy.seeds):
        if name.lower() not in tried:
            tried.add(name.lower())
            yield name
    known = context.catalog.latest_inventory(context.policy.cluster)
    for node in sorted(known.nodes if known else (), key=lambda node: node.state not in _ALIVE):
        if not {node.name.lower(), address_of(node).lower()} & tried:
            tried.add(node.name.lower())
            yield address_of(node)


def _cluster_report(context: Context) -> ClusterReport:
    """Return the cluster's report, under the configuration's name for it: that is the key of all that is recorded."""

    def ask(name: str) -> ClusterReport | Lost:
        try:
            report = context.bridge.get_report(name)
        except CommandFailed as error:  # its cluster service is stopped, for one: the next may know
            return Lost(node=name, reason="failed", message=error.message, hint=error.hint)
        if isinstance(report, Lost) or _is_ours(context, report, asked=name):
            return report
        message = f"it belongs to the cluster {report.cluster}"
        return Lost(node=name, reason="failed", message=message, hint="correct cluster: nodes: in the configuration")

    return replace(ask_any(context, ask), cluster=context.policy.cluster)


def _is_ours(context: Context, report: ClusterReport, *, asked: str) -> bool:
    """Return whether a report is of the configured cluster: what answers to the cluster's own name is; a node may have moved."""
    ours = context.policy.cluster.lower()
    return asked.lower() == ours or report.cluster.lower().partition(".")[0] == ours.partition(".")[0]


def _ask_nodes(context: Context, nodes: list[ClusterNode]) -> dict[str, _Answer]:
    """Return the answers by node's name; each node is asked in a thread of its own, so that a slow one delays no other."""
    answers: dict[str, _Answer] = {}
    pool = ThreadPoolExecutor(max_workers=context.policy.remoting.nodes_at_once, thread_name_prefix="discover")
    try:
        asked = {}
        for node in nodes:
            context.emit(NodeAsked(node=node.name))
            asked[pool.submit(_ask_node, context, node)] = node.name
        for future in as_completed(asked):
            name = asked[future]
            answers[name] = answer = future.result()
            said = answer.report
            if isinstance(said, Lost):
                context.emit(NodeFailed(node=name, reason=said.reason, message=said.message, hint=said.hint))
            else:
                context.emit(NodeAnswered(node=name, virtual_machines=len(said.vms), seconds=answer.seconds))
    finally:
        # wait for none: all have answered, or a signal ends this and one that is frozen would hold it for minutes
        pool.shutdown(wait=False, cancel_futures=True)
    return answers


def _ask_node(context: Context, node: ClusterNode) -> _Answer:
    began, address = context.clock(), address_of(node)
    report = _or_lost(context.bridge.get_node_report, address)
    if not isinstance(report, Lost) and report.node.lower().partition(".")[0] != node.name.lower().partition(".")[0]:
        message = f"the node that answers as {address} is {report.node}"
        report = Lost(node=address, reason="failed", message=message, hint="correct the name service, or remoting: addresses:")
    seconds = (context.clock() - began).total_seconds()
    writer = None if isinstance(report, Lost) else _or_lost(context.bridge.get_writer_report, address)
    return _Answer(report=report, writer=writer, seconds=seconds)


def _or_lost(ask: Callable[[str], T | Lost], address: str) -> T | Lost:
    """Return the answer; one that is an error record is no answer either, and takes no other node with it."""
    try:
        return ask(address)
    except CommandFailed as error:
        return Lost(node=address, reason="failed", message=error.message, hint=error.hint)


def _merged(context: Context, report: ClusterReport, answers: dict[str, _Answer], *, at: datetime) -> Inventory:
    alive = {node.name for node in report.nodes if node.state in _ALIVE}  # what died after it answered holds nothing now
    said = [(name, answer.report, answer.writer) for name, answer in answers.items() if name in alive]
    return merge(
        report,
        tuple(replace(it, node=name) for name, it, _ in said if not isinstance(it, Lost)),
        tuple(replace(it, node=name) for name, _, it in said if it is not None and not isinstance(it, Lost)),
        tuple(_unanswered(name, it) for name, it, _ in said if isinstance(it, Lost)),
        writers_unanswered=tuple(_unanswered(name, it) for name, _, it in said if isinstance(it, Lost)),
        mounts=context.policy.mounts,
        taken_at=at.astimezone(UTC).isoformat(timespec="seconds"),
    )


def _unanswered(name: str, lost: Lost) -> Unanswered:
    return Unanswered(node=name, reason=lost.reason, message=lost.message, hint=lost.hint)


def _tell(context: Context, inventory: Inventory, *, seconds: float, age: float, reason: str) -> None:
    event = Discovered(
        cluster=inventory.cluster,
        nodes=len(inventory.nodes),
        virtual_machines=len(inventory.virtual_machines),
        highly_available=sum(vm.highly_available for vm in inventory.virtual_machines),
        findings=inventory.findings,
        seconds=seconds,
        age=age,
        reason=reason,
    )
    context.emit(event)


def _near(machines: tuple[VirtualMachine, ...], word: str) -> str:
    by_name = {vm.name.casefold(): vm for vm in machines}
    near = difflib.get_close_matches(word.casefold(), by_name, n=3, cutoff=0.5)
    if not near:
        return "see `borg-cluster discover` for the VMs that there are"
    return one_line(f"did you mean {' or '.join(label(by_name[name]) for name in near)}?")


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
