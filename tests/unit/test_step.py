"""Each kind of step against what can be seen: done or not, possible or not, and how it is taken back."""

from dataclasses import replace
from typing import Any, get_args

import pytest

from borg_cluster.core import step as kinds
from borg_cluster.core import step_table
from borg_cluster.core.observed import Observed, merge_states
from borg_cluster.core.step import Move, Step
from borg_cluster.core.vm_state import ClaimState, FileState, Registration, RoleState, VMState

RUNNING = RoleState(
    id="r",
    name="web",
    state="Online",
    owner_node="node1",
    vm_resource_state="Online",
    configuration_resource_state="Online",
    offline_action=1,
    migration_state=0,
    depends_on_disks=(),
)
OFFLINE = replace(RUNNING, state="Offline", vm_resource_state="Offline", offline_action=0)
HERE = Registration(
    name="web",
    state="Running",
    operational_status=(2,),
    is_clustered=True,
    configuration_path=r"C:\V\web.vmcx",
    disk_paths=(),
    checkpoint_ids=(),
    has_saved_state=False,
    heartbeat=None,
)
OFF = replace(HERE, state="Off", is_clustered=False)
OLD, ASIDE = r"C:\V\web.vhdx", r"C:\V\.borg-cluster\r\parked\web.vhdx"
MOVE = (Move(source=OLD, destination=ASIDE),)
ALL = {kind.__name__: kind for kind in get_args(Step)}


def file(path: str, *, exists: bool = True, in_use: bool | None = False) -> FileState:
    return FileState(path=path, exists=exists, is_folder=False, length=1 if exists else None, modified=None, in_use=in_use)


def seen(
    role: RoleState | None = None,
    *registrations: Registration,
    files: tuple[FileState, ...] = (),
    lost: tuple[str, ...] = (),
    claim: str | None = None,
) -> Observed:
    states = tuple(
        VMState(
            schema=1,
            node=f"node{number}",
            vm_id="id",
            taken_at="",
            role=role,
            registration=registration,
            files=files if number == 1 else (),
        )
        for number, registration in enumerate((*registrations, None), start=1)
    )
    known = ClaimState(schema=1, vm_id="id", path="", claim_id=claim, holder=None, purpose=None, since=None, acquired=False)
    return merge_states(states, lost=lost, claim=known)


def placed(old: bool, aside: bool, **changes: Any) -> tuple[FileState, ...]:
    return (file(OLD.upper(), exists=old, **changes), file(ASIDE, exists=aside))


def test_every_kind_has_its_row_and_its_tag() -> None:
    assert set(step_table._TABLE) == set(ALL.values())
    assert {name: get_args(kind.__annotations__["kind"])[0] for name, kind in ALL.items()} == {name: name for name in ALL}


PARK = kinds.Park(moves=MOVE)
PLACE = kinds.Place(moves=(Move(source=ASIDE, destination=OLD),), leftovers=(), traces=())
UNREGISTER = kinds.Unregister(configuration_path=r"C:\V\web.vmcx", moves=MOVE, copies=())
REGISTER = kinds.Register(path=r"C:\V\WEB.vmcx")
COPY = kinds.RegisterCopy(path=r"C:\V\copy.vmcx", original="id", name="copy", node="node1")
VMCX = (file(r"C:\V\web.vmcx"),)
GONE = (file(r"C:\V\web.vmcx", exists=False),)


@pytest.mark.parametrize(
    ("step", "observed", "done"),
    [
        (kinds.Claim(folder="f", claim_id="mine"), seen(claim="mine"), None),
        (kinds.Unclaim(folder="f", claim_id="mine"), seen(claim=None), True),
        (kinds.Unclaim(folder="f", claim_id="mine"), seen(claim="mine"), False),
        (kinds.Stage(files=()), seen(), None),
        (kinds.Inspect(files=()), seen(), None),
        (kinds.SaveRole(), seen(RUNNING), None),
        (kinds.SetOfflineAction(action=0, previous=1), seen(RUNNING), False),
        (kinds.SetOfflineAction(action=0, previous=1), seen(OFFLINE), True),
        (kinds.ResetOfflineAction(action=1), seen(OFFLINE), False),
        (kinds.ResetOfflineAction(action=1), seen(None), True),
        (kinds.Stop(highly_available=True, action="save"), seen(RUNNING, HERE), False),
        (kinds.Stop(highly_available=True, action="save"), seen(OFFLINE), True),
        (kinds.Stop(highly_available=True, action="save"), seen(OFFLINE, replace(HERE, state="Stopping")), False),
        (kinds.Stop(highly_available=False, action="save"), seen(None, OFF), True),
        (kinds.Stop(highly_available=False, action="save"), seen(None, OFF, lost=("node3",)), False),
        (kinds.SaveConfiguration(copies=MOVE), seen(None, OFF, files=placed(True, True)), None),
        (kinds.RemoveRole(name="web"), seen(OFFLINE), False),
        (kinds.RemoveRole(name="web"), seen(None), True),
        (kinds.AwaitUnclustered(), seen(None), False),
        (kinds.AwaitUnclustered(), seen(None, OFF), True),
        (kinds.AwaitUnclustered(), seen(None, replace(OFF, is_clustered=True)), False),
        (kinds.AwaitUnclustered(), seen(None, OFF, OFF), False),
        (PARK, seen(None, OFF, files=placed(True, False)), False),
        (PARK, seen(None, OFF, files=placed(False, True)), True),
        (PARK, seen(None, OFF, files=placed(False, False)), True),
        (UNREGISTER, seen(None, OFF, files=placed(False, True)), False),
        (UNREGISTER, seen(None, files=placed(False, True)), True),
        (UNREGISTER, seen(None, files=placed(False, True), lost=("node3",)), False),
        (PLACE, seen(None, files=placed(False, True)), False),
        (PLACE, seen(None, files=placed(True, True)), False),
        (PLACE, seen(None, files=placed(True, False)), True),
        (REGISTER, seen(None, files=VMCX), False),
        (REGISTER, seen(None, OFF, files=VMCX), True),
        (REGISTER, seen(None, OFF, OFF, files=VMCX), False),
        (kinds.Register(path=r"C:\other.vmcx"), seen(None, OFF), False),
        (COPY, seen(None), False),
        (COPY, seen(None, OFF), True),
        (kinds.TidyCopy(moves=MOVE), seen(None, OFF, files=placed(True, False)), False),
        (kinds.TidyCopy(moves=MOVE), seen(None, OFF, files=placed(False, True)), True),
        (kinds.FindCopy(), seen(None), None),
        (kinds.AwaitUnclustered(configuration_path=OLD), seen(None, files=placed(True, False)), False),
        (kinds.AwaitUnclustered(configuration_path=OLD), seen(None, files=placed(False, False)), True),
        (kinds.AwaitUnclustered(configuration_path=OLD), seen(None, files=placed(False, False), lost=("node3",)), False),
        (kinds.AddRole(name="web", unless_gone=OLD), seen(None, files=placed(False, False)), True),
        (kinds.AddRole(name="web", unless_gone=OLD), seen(None, files=placed(True, False)), False),
        (kinds.AddRole(name="web", unless_gone=OLD), seen(None, OFF, files=placed(False, False)), False),
        (kinds.ApplyRole(setting=None, unless_gone=OLD), seen(None, files=placed(False, False)), True),
        (kinds.ApplyRole(setting=None, unless_gone=OLD), seen(OFFLINE, files=placed(False, False)), None),
        (kinds.Grant(files=()), seen(None, OFF), None),
        (kinds.DropSavedState(), seen(None, replace(OFF, state="Saved", has_saved_state=True)), False),
        (kinds.DropSavedState(), seen(None, OFF), True),
        (kinds.DropSavedState(), seen(None), False),
        (kinds.AddRole(name="web"), seen(None, OFF), False),
        (kinds.AddRole(name="web"), seen(OFFLINE, OFF), True),
        (kinds.ApplyRole(setting=None), seen(OFFLINE, OFF), None),
        (kinds.Start(highly_available=True), seen(RUNNING, HERE), True),
        (kinds.Start(highly_available=True), seen(OFFLINE, OFF), False),
        (kinds.Start(highly_available=True), seen(replace(RUNNING, state="Pending"), HERE), False),
        (kinds.Start(highly_available=False), seen(None, replace(HERE, is_clustered=False)), True),
        (kinds.Release(folders=(ASIDE,)), seen(files=placed(True, True)), False),
        (kinds.Release(folders=(ASIDE,)), seen(files=placed(True, False)), True),
        (kinds.Withdraw(moves=MOVE), seen(files=placed(True, False)), False),
        (kinds.Withdraw(moves=MOVE), seen(files=placed(False, False)), True),
        (kinds.Unpark(moves=MOVE), seen(files=placed(True, False)), False),
        (kinds.Unpark(moves=MOVE), seen(files=placed(False, True)), True),
        (kinds.PutConfigurationBack(moves=MOVE), seen(None, OFF, files=placed(True, False)), True),
        (kinds.PutConfigurationBack(moves=MOVE), seen(files=placed(True, False)), False),
        (kinds.Clear(folders=(ASIDE,), guarded=()), seen(files=placed(True, True)), False),
    ],
)
def test_done_is_what_can_be_seen(step: Step, observed: Observed, done: bool | None) -> None:
    assert step_table.is_done(step, observed) is done


@pytest.mark.parametrize(
    ("step", "observed", "why"),
    [
        (kinds.SaveRole(), seen(None), "role is gone"),
        (kinds.Stop(highly_available=False, action="save"), seen(None, HERE, lost=("node3",)), "node3 is up and does not answer"),
        (kinds.SaveConfiguration(copies=()), seen(RUNNING, HERE), "it runs"),
        (kinds.RemoveRole(name="web"), seen(RUNNING, HERE), "it runs"),
        (PARK, seen(OFFLINE, files=placed(True, False)), "highly available again"),
        (PARK, seen(None, OFF, files=placed(True, False, in_use=True)), "is in use"),
        (PARK, seen(None, OFF, files=placed(True, True)), "taken by another file"),
        (PARK, seen(None, OFF, files=placed(True, False), lost=("node3",)), "does not answer"),
        (UNREGISTER, seen(None, replace(OFF, checkpoint_ids=("c",)), files=placed(True, True)), "back in its old place"),
        (UNREGISTER, seen(None, replace(OFF, disk_paths=(r"C:\V\a.avhdx",)), files=placed(True, True)), "back in its old place"),
        (PLACE, seen(None, OFF, files=placed(False, True)), "registered on node1"),
        (PLACE, seen(None, files=placed(False, False)), "is gone"),
        (REGISTER, seen(None, files=GONE), "is gone"),
        (REGISTER, seen(None, files=VMCX, lost=("node3",)), "does not answer"),
        (kinds.DropSavedState(), seen(None), "no node that answers"),
        (kinds.AddRole(name="web"), seen(None, OFF, OFF), "node1 and node2"),
        (kinds.Start(highly_available=True), seen(None, OFF), "role is gone"),
        (kinds.Release(folders=()), seen(None), "took the place"),
        (kinds.Withdraw(moves=MOVE), seen(None, OFF, files=placed(True, False)), "registered on node1"),
        (kinds.Unpark(moves=MOVE), seen(files=placed(True, True)), "taken by another file"),
        (kinds.Clear(folders=(), guarded=(ASIDE,)), seen(files=placed(True, True)), "still parked"),
    ],
)
def test_what_a_step_needs_is_said_in_words(step: Step, observed: Observed, why: str) -> None:
    assert why in (step_table.needs(step, observed) or "")


@pytest.mark.parametrize(
    ("step", "observed"),
    [
        (PARK, seen(None, OFF, files=placed(True, False))),
        (UNREGISTER, seen(None, OFF, files=placed(False, True))),
        (UNREGISTER, seen(None, OFF, files=placed(True, False))),
        (PLACE, seen(None, files=placed(False, True))),
        (REGISTER, seen(None, files=VMCX)),
        (kinds.RemoveRole(name="web"), seen(OFFLINE)),
        (kinds.AddRole(name="web"), seen(None, OFF)),
        (kinds.Start(highly_available=True), seen(OFFLINE, OFF)),
        (kinds.Release(folders=()), seen(OFFLINE)),
        (kinds.Clear(folders=(), guarded=(ASIDE,)), seen(files=placed(True, False))),
    ],
)
def test_a_step_whose_time_has_come_needs_nothing(step: Step, observed: Observed) -> None:
    assert step_table.needs(step, observed) is None


def test_a_path_that_was_not_looked_at_is_never_taken_for_absent() -> None:
    with pytest.raises(KeyError):
        step_table.is_done(PARK, seen(None, OFF))


def test_moves_are_taken_back_the_other_way() -> None:
    (unpark,) = step_table.reverse(PARK)
    assert isinstance(unpark, kinds.Unpark)
    assert unpark.moves == (Move(source=ASIDE, destination=OLD),)
    traced = replace(PLACE, traces=(Move(source="t", destination="s"),))
    (withdraw,) = step_table.reverse(traced)
    assert isinstance(withdraw, kinds.Withdraw)
    assert withdraw.moves == (*MOVE, *traced.traces)
    assert step_table.reverse(replace(UNREGISTER, configuration_path=None)) == ()
