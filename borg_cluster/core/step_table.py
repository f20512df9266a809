"""The table of restore steps: for each kind what it looks at, how to see that it's done, what it needs, and its reverse.

``is_done`` answers None where looking can't tell: then the step is done again, which each of these bears. A step is decided by
what the cluster shows, never by what we remember having done.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from borg_cluster.core import step as kinds
from borg_cluster.core.observed import Observed
from borg_cluster.core.step import Move, Step

S = TypeVar("S")


@dataclass(frozen=True, kw_only=True)  # without slots, which Row[...](...) can't have in Python 3.11
class Row(Generic[S]):
    """One kind's answers; those left out: it looks at no path, can't be seen, needs nothing, leaves nothing to take back."""

    paths: Callable[[S], tuple[str, ...]] = lambda _: ()
    is_done: Callable[[S, Observed], bool | None] = lambda _, __: None
    needs: Callable[[S, Observed], str | None] = lambda _, __: None
    reverse: Callable[[S], tuple[Step, ...]] = lambda _: ()


def paths(step: Step) -> tuple[str, ...]:
    """Return the Windows paths that a look for this step must include."""
    return _row(step).paths(step)


def is_done(step: Step, observed: Observed) -> bool | None:
    """Return whether a step is done, by looking alone; None: looking can't tell, and doing it again does no harm."""
    return _row(step).is_done(step, observed)


def needs(step: Step, observed: Observed) -> str | None:
    """Return why a step can't be done now, for people; None: it can."""
    return _row(step).needs(step, observed)


def reverse(step: Step) -> tuple[Step, ...]:
    """Return the steps that take a begun step back; they bear being done where it was never carried out."""
    return _row(step).reverse(step)


def _row(step: Step) -> Row[Any]:
    return _TABLE[type(step)]


def _given(path: str | None) -> tuple[str, ...]:
    return () if path is None else (path,)


def _both(moves: Iterable[Move]) -> tuple[str, ...]:
    return tuple(path for move in moves for path in (move.source, move.destination))


def _swap(moves: tuple[Move, ...]) -> tuple[Move, ...]:
    return tuple(Move(source=move.destination, destination=move.source) for move in moves)


def _gone(observed: Observed, wanted: tuple[str, ...]) -> str | None:
    return next((f"{path} is gone" for path in wanted if not observed.exists(path)), None)


def _all_away(moves: tuple[Move, ...], observed: Observed) -> bool:
    return not any(observed.exists(move.source) for move in moves)


def _still_away(moves: tuple[Move, ...], observed: Observed) -> bool:
    return any(observed.exists(move.source) and not observed.exists(move.destination) for move in moves)


def _no_role(observed: Observed) -> str | None:
    return None if observed.role else "its role is gone"


def _registered(observed: Observed) -> str | None:
    return f"it is registered on {observed.registrations[0].node}" if observed.registrations else None


def _in_use(observed: Observed, moves: tuple[Move, ...]) -> str | None:
    files = (observed.file(move.source) for move in moves)
    return next((f"{file.path} is in use" for file in files if file is not None and file.in_use), None)


def _taken(observed: Observed, moves: tuple[Move, ...]) -> str | None:
    both = (move for move in moves if observed.exists(move.source) and observed.exists(move.destination))
    return next((f"{move.destination} is taken by another file" for move in both), None)


def _never_there(observed: Observed, configuration: str | None) -> bool:
    """Whether nothing of the old VM is left that could be registered: a role may outlive its VM."""
    return configuration is not None and not observed.registrations and not observed.lost and not observed.exists(configuration)


def _remove_role_reverse(step: kinds.RemoveRole) -> tuple[Step, ...]:
    path = step.configuration_path
    return (
        kinds.AwaitUnclustered(configuration_path=path),
        kinds.AddRole(name=step.name, unless_gone=path),
        kinds.ApplyRole(setting=None, unless_gone=path),
    )


def _unclustered(step: kinds.AwaitUnclustered, observed: Observed) -> bool:
    """With a role there's nothing to wait for: the next step's needs see it."""
    if observed.role is not None or _never_there(observed, step.configuration_path):
        return True
    return len(observed.registrations) == 1 and observed.is_stopped and not observed.registrations[0].registration.is_clustered


def _park_needs(step: kinds.Park, observed: Observed) -> str | None:
    if observed.role is not None and not step.swap:
        return "it is highly available again"
    why_not = observed.why_not_whole or observed.why_not_stopped
    return why_not or _in_use(observed, step.moves) or _taken(observed, step.moves)


def _unregister_needs(step: kinds.Unregister, observed: Observed) -> str | None:
    if observed.has_checkpoints and not _all_away(step.moves, observed):
        return "one of its disks is back in its old place"
    if step.copies and not observed.exists(step.copies[0].destination):
        return "the copy of its configuration is gone"
    return observed.why_not_whole or observed.why_not_stopped


def _unregister_reverse(step: kinds.Unregister) -> tuple[Step, ...]:
    if step.configuration_path is None:
        return ()
    back = (kinds.Unpark(moves=_swap(step.moves)), kinds.PutConfigurationBack(moves=_swap(step.copies)))
    if not step.whole:
        return back
    return (
        *back,
        kinds.Register(path=step.configuration_path, node=step.node),
        kinds.Grant(files=tuple(copy.source for copy in step.copies)),
    )


def _why_not_free(observed: Observed, swap: bool) -> str | None:
    """Files change only where nobody has them: of a VM that isn't registered, or, if only disks are restored, is off."""
    return observed.why_not_stopped if swap else _registered(observed)


def _place_needs(step: kinds.Place, observed: Observed) -> str | None:
    nowhere = (m.source for m in step.moves if not observed.exists(m.source) and not observed.exists(m.destination))
    return _why_not_free(observed, step.swap) or observed.why_not_whole or _gone(observed, tuple(nowhere))


def _register_needs(step: kinds.Register, observed: Observed) -> str | None:
    return _registered(observed) or observed.why_not_whole or _gone(observed, (step.path,))


def _start_needs(step: kinds.Start, observed: Observed) -> str | None:
    return _no_role(observed) if step.highly_available else observed.why_not_registered


def _start_reverse(step: kinds.Start) -> tuple[Step, ...]:
    """The new VM goes, so that nothing of it need be saved or shut down."""
    power_cut = (kinds.SetOfflineAction(action=0, previous=None),) if step.highly_available else ()
    return (*power_cut, kinds.Stop(highly_available=step.highly_available, action="turn_off"))


_TABLE: dict[type[Any], Row[Any]] = {
    # An undo claims and unclaims of its own accord: see plan_undo.
    # The claim may be this restore's in another process' hand, which only taking it tells.
    kinds.Claim: Row[kinds.Claim](),
    kinds.Rehearse: Row[kinds.Rehearse](),
    kinds.Compare: Row[kinds.Compare](),
    # A file of the right length may still be half written: in doubt it is extracted again.
    kinds.Stage: Row[kinds.Stage](),
    kinds.Inspect: Row[kinds.Inspect](
        paths=lambda s: tuple(file.staged for file in s.files),
        needs=lambda s, o: _gone(o, tuple(file.staged for file in s.files)),
    ),
    kinds.SaveRole: Row[kinds.SaveRole](needs=lambda _, o: _no_role(o)),
    kinds.SetOfflineAction: Row[kinds.SetOfflineAction](
        is_done=lambda s, o: o.role is None or o.role.offline_action == s.action,
        reverse=lambda s: () if s.previous is None else (kinds.ResetOfflineAction(action=s.previous),),
    ),
    kinds.Stop: Row[kinds.Stop](
        is_done=lambda _, o: o.is_stopped,
        needs=lambda s, o: None if s.highly_available else o.why_not_whole,
        reverse=lambda s: (kinds.Start(highly_available=s.highly_available),),
    ),
    kinds.ResetOfflineAction: Row[kinds.ResetOfflineAction](
        is_done=lambda s, o: o.role is None or o.role.offline_action == s.action,
    ),
    # A copy cut short may have the right length: in doubt it is made again, while the original is still there.
    kinds.SaveConfiguration: Row[kinds.SaveConfiguration](
        paths=lambda s: tuple(copy.source for copy in s.copies),
        needs=lambda _, o: o.why_not_stopped,
    ),
    kinds.RemoveRole: Row[kinds.RemoveRole](
        is_done=lambda _, o: o.role is None,
        needs=lambda _, o: o.why_not_stopped,
        reverse=_remove_role_reverse,
    ),
    kinds.AwaitUnclustered: Row[kinds.AwaitUnclustered](
        paths=lambda s: _given(s.configuration_path),
        is_done=_unclustered,
    ),
    kinds.Park: Row[kinds.Park](
        paths=lambda s: _both(s.moves),
        is_done=lambda s, o: _all_away(s.moves, o),
        needs=_park_needs,
        reverse=lambda s: (kinds.Unpark(moves=_swap(s.moves)),),
    ),
    kinds.Unregister: Row[kinds.Unregister](
        paths=lambda s: _both(s.moves) + tuple(copy.destination for copy in s.copies),
        is_done=lambda _, o: not o.registrations and o.why_not_whole is None,
        needs=_unregister_needs,
        reverse=_unregister_reverse,
    ),
    kinds.Place: Row[kinds.Place](
        paths=lambda s: _both((*s.moves, *s.leftovers)),
        is_done=lambda s, o: all(o.exists(m.destination) and not o.exists(m.source) for m in s.moves),
        needs=_place_needs,
        reverse=lambda s: (kinds.Withdraw(moves=_swap(s.moves) + s.traces, swap=s.swap),),
    ),
    kinds.Register: Row[kinds.Register](
        paths=lambda s: (s.path,),
        is_done=lambda s, o: len(o.registrations) == 1 and o.is_registered_at(s.path),
        needs=_register_needs,
        reverse=lambda _: (kinds.Unregister(configuration_path=None, moves=(), copies=()),),
    ),
    # Until Windows has told its id, a copy can't be seen: it is found by the restore's mark, and made once.
    kinds.RegisterCopy: Row[kinds.RegisterCopy](
        is_done=lambda _, o: len(o.registrations) == 1,
        needs=lambda _, o: o.why_not_whole,
        reverse=lambda _: (kinds.FindCopy(), kinds.Unregister(configuration_path=None, moves=(), copies=())),
    ),
    kinds.TidyCopy: Row[kinds.TidyCopy](
        paths=lambda s: _both(s.moves),
        is_done=lambda s, o: _all_away(s.moves, o),
        needs=lambda _, o: o.why_not_registered,
    ),
    kinds.FindCopy: Row[kinds.FindCopy](needs=lambda _, o: o.why_not_whole),
    # The look doesn't show rights: in doubt they are given again.
    kinds.Grant: Row[kinds.Grant](paths=lambda s: s.files, needs=lambda s, o: None if s.swap else o.why_not_registered),
    kinds.DropSavedState: Row[kinds.DropSavedState](
        is_done=lambda _, o: bool(o.registrations) and not any(r.registration.has_saved_state for r in o.registrations),
        needs=lambda _, o: o.why_not_registered or o.why_not_stopped,
    ),
    kinds.AddRole: Row[kinds.AddRole](
        paths=lambda s: _given(s.unless_gone),
        is_done=lambda s, o: o.role is not None or _never_there(o, s.unless_gone),
        needs=lambda _, o: o.why_not_registered,
        reverse=lambda s: (kinds.RemoveRole(name=s.name), kinds.AwaitUnclustered()),
    ),
    # Each setting is set, not added to: again in doubt.
    kinds.ApplyRole: Row[kinds.ApplyRole](
        paths=lambda s: _given(s.unless_gone),
        is_done=lambda s, o: True if o.role is None and _never_there(o, s.unless_gone) else None,
        needs=lambda _, o: _no_role(o),
    ),
    kinds.Start: Row[kinds.Start](is_done=lambda _, o: o.is_running, needs=_start_needs, reverse=_start_reverse),
    kinds.Confirm: Row[kinds.Confirm](),
    kinds.Release: Row[kinds.Release](
        paths=lambda s: s.folders,
        is_done=lambda s, o: not any(o.exists(folder) for folder in s.folders),
        needs=lambda s, o: (
            None if s.early or o.role or o.registrations else "no VM is there that took the place of the parked one"
        ),
    ),
    kinds.Withdraw: Row[kinds.Withdraw](
        paths=lambda s: _both(s.moves),
        is_done=lambda s, o: not _still_away(s.moves, o),
        needs=lambda s, o: _why_not_free(o, s.swap) or o.why_not_whole or _in_use(o, s.moves),
    ),
    kinds.Unpark: Row[kinds.Unpark](
        paths=lambda s: _both(s.moves),
        is_done=lambda s, o: _all_away(s.moves, o),
        needs=lambda s, o: _taken(o, s.moves),
    ),
    # While the VM is registered it still has its own configuration.
    kinds.PutConfigurationBack: Row[kinds.PutConfigurationBack](
        paths=lambda s: _both(s.moves),
        is_done=lambda s, o: bool(o.registrations) or not _still_away(s.moves, o),
        needs=lambda _, o: o.why_not_whole,
    ),
    kinds.Clear: Row[kinds.Clear](
        paths=lambda s: s.folders + s.guarded,
        is_done=lambda s, o: not any(o.exists(folder) for folder in s.folders),
        needs=lambda s, o: next((f"{path} is still parked" for path in s.guarded if o.exists(path)), None),
    ),
    kinds.Unclaim: Row[kinds.Unclaim](is_done=lambda s, o: o.claim is not None and o.claim.claim_id != s.claim_id),
}
"""A kind without a row is found by test_step.py."""
