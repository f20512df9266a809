"""The only loop: look, record, act, look, record.

Whatever a journal says is next is looked at first: done already, in doubt or untouched, the way is the same. So the loop that
begins a restore is the one that resumes it, takes it back, and releases it.
"""

import time
from dataclasses import replace
from datetime import datetime
from typing import Literal

from borg_cluster.context import Context
from borg_cluster.core import event
from borg_cluster.core import step as kinds
from borg_cluster.core.finding import one_line
from borg_cluster.core.observed import Observed
from borg_cluster.core.progress import COPY_ID, Begun, Done, Finished, Noted, Record, Replanned, Turned, advance
from borg_cluster.core.restore_plan import RestorePlan, differs, plan_restore
from borg_cluster.core.restore_request import Availability
from borg_cluster.core.step import Step
from borg_cluster.core.step_table import is_done, needs, paths
from borg_cluster.discover import discover
from borg_cluster.errors import BorgClusterError, Claimed, RestoreStopped
from borg_cluster.extract.act import act
from borg_cluster.extract.beside import folder_of, removes_folders
from borg_cluster.extract.look import Look
from borg_cluster.extract.scene import START_SECONDS, STOP_SECONDS, Scene
from borg_cluster.extract.signals import Ended, Signals
from borg_cluster.journal import OpenJournal

_PAUSES = (0.2, 0.5, 1.0)
"""Seconds before a step is tried again after a node was lost."""
_SILENT = "silent_nodes"
_UNCHANGED = "it was carried out, and what it was to change has not changed"
_TOUCHES_NOTHING = frozenset({"Claim", "Rehearse", "Stage", "Inspect", "Compare"})
_AS_IT_IS = _TOUCHES_NOTHING | {"AwaitUnclustered", "Confirm", "Clear", "Release", "Unclaim"}
"""Steps that don't mind a VM that is starting or stopping, or wait for it themselves."""
_OUTCOMES: dict[str, Literal["restored", "undone", "released"]] = {
    "restore": "restored",
    "undo": "undone",
    "release": "released",
}


class Walk:
    """One restore being walked by this process.

    Args:
        context: the site.
        journal: held by this process.
        signals: whether to stop.
    """

    def __init__(self, context: Context, journal: OpenJournal, signals: Signals) -> None:
        self._context = context
        self._journal = journal
        self._signals = signals
        self.progress = journal.progress
        self._look = self._new_look()
        self._seen: Observed | None = None
        self._checked = False

    @property
    def _plan(self) -> RestorePlan:
        return self.progress.plan

    def _new_look(self) -> Look:
        noted = self.progress.facts.get(_SILENT)
        return Look(self._context, self.progress, tuple(noted) if isinstance(noted, list | tuple) else ())

    def turn(self, turned: Turned) -> None:
        """Walk other steps from here on."""
        self._record(turned)

    def run(self) -> None:
        """Walk to the end.

        Raises:
            RestoreStopped: in the middle, with how to go on.
            Claimed: the VM is another's.
        """
        try:
            self._reclaim()
            self._keep_beside()
            while (step := self.progress.next_step) is not None:
                self._signals.check()
                if self._is_to_be_checked(step):
                    self._checked = True
                    self._replan("the plan is checked before the virtual machine is touched")
                else:
                    self._carry_out(step)
        except Claimed as error:
            another = error.fields.get("claim_id") != self._plan.source.restore_id
            if another and not self.progress.done and self.progress.purpose == "restore":
                self._record(Finished(outcome="refused", at=self._now()))
            raise
        except (BorgClusterError, Ended, OSError) as error:
            raise self._stopped(error) from error
        self._finish()

    def _finish(self) -> None:
        outcome = _OUTCOMES[self.progress.purpose]
        planned = self._plan.warnings if outcome == "restored" else ()
        self._record(Finished(outcome=outcome, at=self._now()))
        self._context.emit(
            event.RestoreFinished(
                restore_id=self._plan.source.restore_id,
                subject=self._plan.vm_id,
                name=self._plan.name,
                outcome=outcome,
                offline_seconds=self.progress.offline_seconds,
                warnings=(*planned, *self.progress.warnings),
            )
        )

    def _stopped(self, error: Exception) -> RestoreStopped:
        restore_id = self._plan.source.restore_id
        step = self.progress.next_step
        where = f" at {step.kind}" if step is not None else ""
        again = "resume" if self.progress.purpose == "restore" else self.progress.purpose
        hint = f"borg-cluster {again} {restore_id}"
        if self.progress.purpose == "restore" and self.progress.can_undo:
            hint += f", or borg-cluster undo {restore_id}"
        fields = dict(error.fields) if isinstance(error, BorgClusterError) else {}
        if isinstance(error, BorgClusterError) and error.hint:
            hint = f"{error.hint}; then {hint}"
        fields |= {"restore_id": restore_id, "step": step.kind if step else None}
        message = one_line(f"the {self.progress.purpose} of {self._plan.name} stopped{where}: {error}")
        return RestoreStopped(message, hint=one_line(hint), **fields)

    def _reclaim(self) -> None:
        """Make sure that the claim is still ours when a restore is taken up again."""
        claim = next((step for step in self.progress.done if isinstance(step, kinds.Claim)), None)
        if claim is not None and not any(isinstance(step, kinds.Unclaim) for step in self.progress.done):
            self._attempt(claim, self._look.now(()), in_doubt=True)

    def _keep_beside(self) -> None:
        """Keep plan and records on the volume too, as soon as the claim is ours: see beside.py."""
        folder = folder_of(self._context, self._plan)
        claimed = any(isinstance(step, kinds.Claim) for step in self.progress.done)
        removed = any(removes_folders(step, self._plan) for step in self.progress.done)
        wanted = self.progress.purpose == "restore" and not removed
        if folder is not None and claimed and (wanted or folder.exists()):
            self._journal.keep_beside(folder)

    def _is_to_be_checked(self, step: Step) -> bool:
        """Staging took hours: the VM may have changed, and the plan is made from what was there before."""
        if self.progress.purpose != "restore" or self._checked or step.kind in _TOUCHES_NOTHING:
            return False
        return all(begun.kind in _TOUCHES_NOTHING for begun in self.progress.begun)

    def _replan(self, because: str) -> bool:
        """Make the plan anew from what is there now; what stays the same stays done. Return whether it is another."""
        self._seen = None
        plan = self._plan
        noted = self.progress.facts.get("role_setting")
        plain = not any(step.kind not in _TOUCHES_NOTHING for step in self.progress.begun)
        ha = Availability.YES if plan.highly_available else Availability.NO
        request = plan.request if plain else replace(plan.request, ha=ha, start=plan.running)
        made = plan_restore(
            plan.manifest,
            discover(self._context, because=because),
            request,
            self._context.policy,
            source=plan.source,
            saved_role=noted if isinstance(noted, dict) else None,
        )
        made = replace(made, silent_nodes=plan.silent_nodes)
        if made == plan:
            return False
        self._record(Replanned(plan=made, at=self._now()))
        self._look = self._new_look()
        return True

    def _carry_out(self, step: Step) -> None:
        begun_at = self._context.clock()
        self._tell(step)
        in_doubt = self.progress.in_doubt
        problem = ""
        for pause in (*_PAUSES, None):
            observed = self._see(step)
            if self._is_another(step, observed):
                if not self._replan("the old virtual machine is not what the plan knew"):
                    raise RestoreStopped("the nodes' reports and states of the old virtual machine contradict each other")
                return
            acted = self.progress.in_doubt and not in_doubt
            if is_done(step, observed):
                self._done(step, begun_at, acted=acted)
                return
            problem = needs(step, observed) or self._try(step, observed, in_doubt=in_doubt or acted)
            if not problem:
                self._done(step, begun_at, acted=True)
                return
            if isinstance(step, kinds.Stop | kinds.Start | kinds.AwaitUnclustered) and problem == _UNCHANGED:
                break  # it has waited long enough itself
            if pause is not None:
                time.sleep(pause)
        raise RestoreStopped(problem)

    def _try(self, step: Step, observed: Observed, *, in_doubt: bool) -> str:
        """Act once; return what is wrong after that, or nothing if it's done as far as can be seen."""
        if not self.progress.in_doubt:
            self._record(Begun(step=step.kind, at=self._now()))
        problem = self._attempt(step, observed, in_doubt=in_doubt)
        if problem:
            return problem
        if isinstance(step, kinds.Claim | kinds.Unclaim):
            return ""  # the answer said so
        following = self.progress.steps[self.progress.steps.index(step) + 1 :][:1]
        self._seen = self._look.now((*paths(step), *(path for after in following for path in paths(after))))
        return _UNCHANGED if is_done(step, self._seen) is False else ""

    def _attempt(self, step: Step, observed: Observed, *, in_doubt: bool) -> str:
        scene = Scene(
            context=self._context,
            progress=self.progress,
            look=self._look,
            observed=observed,
            in_doubt=in_doubt,
            note=lambda fact, value: self._record(Noted(fact=fact, value=value, at=self._now())),
        )
        self._seen = None
        self._signals.at_once = isinstance(step, kinds.Rehearse | kinds.Stage | kinds.Inspect)
        try:
            lost = act(step, scene)
        finally:
            self._signals.at_once = False
        if lost is None:
            return ""
        self._context.emit(event.Warned(subject=lost.node, message=lost.message, hint=lost.hint))
        return lost.message

    def _see(self, step: Step) -> Observed:
        """Return what the cluster shows now: the look after the last act, if it showed all that this step needs."""
        wanted = paths(step)
        claim_folder = step.folder if isinstance(step, kinds.Claim | kinds.Unclaim) else None
        seen, self._seen = self._seen, None
        if seen is None or claim_folder is not None or any(seen.file(path) is None for path in wanted):
            seen = self._look.now(wanted, claim_folder=claim_folder)
        cleared = self._look.cleared(seen)
        if cleared:
            known = self.progress.facts.get(_SILENT)
            nodes = (*(known if isinstance(known, list | tuple) else ()), *cleared)
            self._record(Noted(fact=_SILENT, value=list(nodes), at=self._now()))
            seen = self._look.now(wanted, claim_folder=claim_folder)
        if seen.is_settled or step.kind in _AS_IT_IS:
            return seen
        return self._look.settled(wanted, seconds=max(STOP_SECONDS, START_SECONDS), enough=lambda look: look.is_settled)

    def _is_another(self, step: Step, observed: Observed) -> bool:
        """Before the first rename: is the VM that lies there the one that the plan knew? It may have got a checkpoint."""
        if not isinstance(step, kinds.Park) or step in self.progress.begun or len(observed.registrations) != 1:
            return False
        return differs(self._plan.expected, observed.registrations[0])

    def _tell(self, step: Step) -> None:
        reason = next((planned.reason for planned in self._plan.steps if planned.step == step), self.progress.purpose)
        self._context.emit(
            event.StepBegun(
                restore_id=self._plan.source.restore_id,
                step=step.kind,
                number=self.progress.steps.index(step) + 1,
                total=len(self.progress.steps),
                message=reason,
            )
        )

    def _done(self, step: Step, begun_at: datetime, *, acted: bool) -> None:
        """Record a step as done; what was found done without us is begun all the same, so that an undo knows of it."""
        if not self.progress.in_doubt:
            self._record(Begun(step=step.kind, at=self._now()))
        self._record(Done(step=step.kind, at=self._now(), acted=acted))
        if isinstance(step, kinds.Claim):
            self._keep_beside()
        self._context.emit(
            event.StepDone(
                restore_id=self._plan.source.restore_id,
                step=step.kind,
                acted=acted,
                seconds=(self._context.clock() - begun_at).total_seconds(),
                message="" if acted else "it was done already",
            )
        )

    def _record(self, record: Record) -> None:
        self._journal.append(record)
        while self._journal.lost:
            message = f"another backup host can't take this restore over any more: {self._journal.lost.pop()}"
            self._context.emit(event.Warned(subject=self._plan.vm_id, message=message, hint=None))
        self.progress = advance(self.progress, record)
        if isinstance(record, Noted) and record.fact == COPY_ID:
            self._look = self._new_look()  # from here on the copy itself can be seen

    def _now(self) -> str:
        return self._context.clock().isoformat()
