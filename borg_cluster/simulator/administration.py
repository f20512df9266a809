"""What happens on a cluster by itself or by somebody's hand, beside the commands: guests, administrators, accidents."""

from collections.abc import Callable

from borg_cluster.simulator import activity, checkpoints, machines, migration, nodes, roles, room, snapshots, storage
from borg_cluster.simulator.model import ClusterRole, Machine
from borg_cluster.simulator.startable import disown
from borg_cluster.simulator.vm_commands import remove_vm
from borg_cluster.simulator.world import World


class Administration(World):
    """A world in which things happen; each of these is one change, logged, saved and audited."""

    # VMs

    def edit(self, vm_id: str, change: Callable[[Machine], object], what: str = "edit") -> None:
        """Change a registered VM's definition, as an administrator does, and write its configuration."""
        with self.change(what, vm_id=vm_id):
            machine = self.machine(vm_id)
            change(machine)
            machines.save_definition(self, machine)

    def edit_role(self, vm_id: str, change: Callable[[ClusterRole], object]) -> None:
        """Change a VM's role, as an administrator does."""
        with self.change("edit_role", vm_id=vm_id):
            change(self.role(vm_id))

    def rename(self, vm_id: str, name: str) -> None:
        """Rename a VM; its role and resources keep their names, as on Windows."""
        self.edit(vm_id, lambda machine: setattr(machine.definition, "name", name), "rename")

    def guest_write(self, vm_id: str, *, disk: int = 0, offset: int = 0, data: bytes) -> None:
        """Let a running VM's guest write to a disk (by number), at a virtual offset in bytes."""
        with self.change("guest_write", vm_id=vm_id, disk=disk, offset=offset, length=len(data)):
            storage.guest_write(self, self.machine(vm_id), disk=disk, offset=offset, data=data)

    def guest_trim(self, vm_id: str, *, disk: int = 0, offset: int, length: int) -> None:
        """Let a running VM's guest give back a range of a disk (by number), in bytes: whole blocks are unmapped."""
        with self.change("guest_trim", vm_id=vm_id, disk=disk, offset=offset, length=length):
            storage.guest_trim(self, self.machine(vm_id), disk=disk, offset=offset, length=length)

    def offline_write(self, vm_id: str, *, disk: int = 0, offset: int = 0, data: bytes) -> None:
        """Let somebody change the disk of a VM that is off, behind Hyper-V's back."""
        with self.change("offline_write", vm_id=vm_id, disk=disk, offset=offset, length=len(data)):
            storage.offline_write(self, self.machine(vm_id), disk=disk, offset=offset, data=data)

    def guest_read(self, vm_id: str, *, disk: int = 0, offset: int = 0, length: int) -> bytes:
        """Return virtual content of a registered VM's disk."""
        with self.lock:
            return storage.guest_read(self, self.machine(vm_id), disk=disk, offset=offset, length=length)

    def take_checkpoint(self, vm_id: str, name: str = "checkpoint", kind: str = "Standard") -> str:
        """Take a checkpoint and return its id."""
        with self.change("take_checkpoint", vm_id=vm_id):
            return checkpoints.take_checkpoint(self, self.machine(vm_id), name, kind)

    def remove_checkpoints(self, vm_id: str) -> None:
        """Delete all checkpoints of a VM, merging its disks."""
        with self.change("remove_checkpoints", vm_id=vm_id):
            checkpoints.remove_checkpoints(self, self.machine(vm_id))

    def foreign_snapshot(self, vm_id: str, name: str = "another product's backup") -> str:
        """Take a recovery snapshot as another backup product does, and return its id."""
        with self.change("foreign_snapshot", vm_id=vm_id, name=name):
            return snapshots.take(self, self.machine(vm_id), name=name, consistency="Application", timeout=60)

    def orphan_leaf(self, vm_id: str) -> None:
        """Let a VM run on a checkpoint's file that no checkpoint accounts for: its configuration lost an entry."""
        with self.change("orphan_leaf", vm_id=vm_id):
            machine = self.machine(vm_id)
            checkpoints.take_checkpoint(self, machine, "lost")
            lost = machine.definition.checkpoints.pop()
            checkpoints.delete_configuration_of(self, machine, lost)
            machines.save_definition(self, machine)

    def remove_snapshot(self, vm_id: str, snapshot_id: str) -> None:
        """Remove a recovery snapshot, whoever took it."""
        with self.change("remove_snapshot", vm_id=vm_id, snapshot=snapshot_id):
            machine = self.machine(vm_id)
            for one in machine.definition.snapshots():
                if one.id == snapshot_id:
                    snapshots.remove(self, machine, one)

    def fill_volume(self, volume: str, *, left: int = 0) -> None:
        """Let others take all the room of a volume but ``left`` bytes."""
        with self.change("fill_volume", volume=volume, left=left):
            room.fill(self, volume, left=left)

    def clear_volume(self, volume: str) -> None:
        """Give a volume all its room again; a VM that was paused for want of it stays so until it is resumed."""
        with self.change("clear_volume", volume=volume):
            room.clear(self, volume)

    def resume(self, vm_id: str) -> None:
        """Resume a VM that is paused, by somebody or for want of room; raises CommandError."""
        with self.change("resume", vm_id=vm_id):
            room.resume(self.machine(vm_id))

    def move_storage(self, vm_id: str, volume: str) -> None:
        """Move a VM's files to another volume."""
        with self.change("move_storage", vm_id=vm_id, volume=volume):
            storage.move_storage(self, self.machine(vm_id), volume)

    def start(self, vm_id: str) -> None:
        """Start a VM, through its role if it has one; raises CommandError."""
        with self.change("start", vm_id=vm_id):
            if self.find_role(vm_id) is not None:
                activity.start_role(self, vm_id, 3600)
            else:
                activity.start_vm(self, self.machine(vm_id), 3600)

    def stop(self, vm_id: str, action: str | None = None) -> None:
        """Stop a VM's role, or a VM without one; with ``action`` (TurnOff, Save, Shutdown) always only the VM."""
        with self.change("stop", vm_id=vm_id, action=action):
            if self.find_role(vm_id) is not None and action is None:
                activity.stop_role(self, vm_id, 3600)
            else:
                activity.stop_vm(self, self.machine(vm_id), action or "TurnOff", 3600)

    def make_highly_available(self, vm_id: str, name: str | None = None) -> None:
        """Give a VM a role."""
        with self.change("make_highly_available", vm_id=vm_id):
            machine = self.machine(vm_id)
            roles.add_role(self, machine, name or self.free_role_name(machine.definition.name))

    def end_highly_available(self, vm_id: str) -> None:
        """Remove a VM's role; the VM stays."""
        with self.change("end_highly_available", vm_id=vm_id):
            roles.remove_role(self, self.role(vm_id))

    def destroy(self, vm_id: str, *, keep_files: bool = False) -> None:
        """Lose a VM: its role and registrations, and (unless ``keep_files``) every file that is its own."""
        with self.change("destroy", vm_id=vm_id, keep_files=keep_files):
            disown(self, vm_id)
            found = self.registrations(vm_id)
            role = self.find_role(vm_id)
            if role is not None:
                roles.remove_role(self, role)
            self.state.reappearing[:] = [one for one in self.state.reappearing if one.vm_id != vm_id]
            for machine in found:
                machines.stop(self, machine, "TurnOff")
                if keep_files:
                    remove_vm(self, machine)
                else:
                    storage.delete_files(self, machine)

    # nodes

    def migrate(self, vm_id: str, node: str) -> None:
        """Move a VM, running or not, to another node: a whole live migration at once."""
        self.begin_migration(vm_id, node)
        self.finish_migration(vm_id)

    def begin_migration(self, vm_id: str, node: str) -> None:
        """Begin a live migration; it goes on with ``advance_migration``."""
        with self.change("begin_migration", vm_id=vm_id, node=node):
            migration.begin(self, self.machine(vm_id), node)

    def advance_migration(self, vm_id: str) -> str:
        """Go on to the next phase (transfer, blackout, done) and return it."""
        with self.change("advance_migration", vm_id=vm_id):
            return migration.advance(self, self.machine(vm_id))

    def finish_migration(self, vm_id: str) -> None:
        """Go through the remaining phases."""
        while self.advance_migration(vm_id) != "done":
            pass

    def cancel_migration(self, vm_id: str) -> None:
        """Cancel a live migration."""
        with self.change("cancel_migration", vm_id=vm_id):
            migration.cancel(self, self.machine(vm_id))

    def node_down(self, node: str, *, fail_over: bool = True) -> None:
        """Cut a node's power; without ``fail_over`` the cluster has not reacted yet."""
        with self.change("node_down", node=node, fail_over=fail_over):
            nodes.crash(self, self.node(node))
            if fail_over:
                nodes.fail_over(self, self.node(node))

    def fail_over(self, node: str) -> None:
        """Let the cluster react to a node that crashed."""
        with self.change("fail_over", node=node):
            nodes.fail_over(self, self.node(node))

    def node_up(self, node: str) -> None:
        """Start a node again."""
        with self.change("node_up", node=node):
            nodes.come_back(self, self.node(node))

    def drain(self, node: str) -> None:
        """Pause a node and move its roles away."""
        with self.change("drain", node=node):
            nodes.drain(self, self.node(node))

    def move_core_group(self, node: str) -> None:
        """Move the cluster's name to another node."""
        with self.change("move_core_group", node=node):
            role = next(role for role in self.state.roles if role.group_type == "Cluster")
            role.owner_node = self.node(node).name

    def move_role(self, vm_id: str, node: str) -> None:
        """Move an offline role to another node; a VM that runs is migrated instead."""
        with self.change("move_role", vm_id=vm_id, node=node):
            self.role(vm_id).owner_node = self.node(node).name

    def move_coordinator(self, volume: str, node: str) -> None:
        """Let another node coordinate a volume."""
        with self.change("move_coordinator", volume=volume, node=node):
            found = next(one for one in self.state.volumes if one.folder.lower() == volume.lower())
            found.owner_node = self.node(node).name

    def register_twice(self, vm_id: str, node: str) -> None:
        """List a VM on a second node too."""
        with self.change("register_twice", vm_id=vm_id, node=node):
            nodes.second_registration(self, self.machine(vm_id), self.node(node))

    def give_up(self, vm_id: str) -> None:
        """Say that a VM is lost on purpose: from now on nobody owes it to be startable."""
        with self.change("give_up", vm_id=vm_id):
            disown(self, vm_id)

    def lose(self, vm_id: str) -> None:
        """Take a VM from every node's list; its role, if it has one, stays as it is."""
        with self.change("lose", vm_id=vm_id):
            for machine in self.registrations(vm_id):
                machines.unload(self, machine)

    def free_role_name(self, name: str) -> str:
        """Return ``name``, or with a number when a role is called so already."""
        taken = {role.name.lower() for role in self.state.roles}
        names = [name, *(f"{name} ({number})" for number in range(2, len(taken) + 3))]
        return next(one for one in names if one.lower() not in taken)
