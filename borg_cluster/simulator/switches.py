"""What nobody could look up without a Windows cluster: each doubt is a switch, and both its outcomes must work."""

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Switches:
    """The doubts of the Hyper-V reference (its section J.10) and how this world decides them."""

    offline_vm_listed: str = "absent"
    """A VM whose role is offline is 'absent' from its node's list, or listed there as 'off' (Off or Saved)."""
    remove_vm_needs_disks: bool = False
    """Remove-VM fails when a disk of the VM isn't there."""
    register_grants_access: bool = False
    """Import-VM puts the VM's account on the files that it finds."""
    refuse_sparse_files: bool = True
    """A virtual disk with holes is refused, as on NTFS."""
    configuration_locked: bool = True
    """A registered VM's .vmcx can't be renamed or removed."""
    configuration_readable: bool = True
    """A registered VM's .vmcx can be copied."""
    reregister_after: int = 1
    """After the role of an offline VM is removed, its node lists it again only after so many further commands."""
    clustered_flag_after: int = 0
    """A VM's IsClustered tells of a role that was made or removed only after so many further commands."""
    failed_start: str = "error"
    """A role that can't start answers with an 'error', or only with its 'state' Failed."""
    blackout_listed: str = "none"
    """In a live migration's blackout the VM is listed by 'none', 'both' or the 'source'."""
    merge_after: int | None = 1
    """A removed recovery snapshot is merged after so many further commands (or when an hour of the world's time has passed);
    None: never."""
    merge_tries_refused: int = 0
    """So often a merge is tried in vain since whoever read the frozen file still has it open (cifs.ko closes late)."""
    critical_keeps_snapshots: bool = True
    """While a VM is in one of the *Critical states, none of its recovery snapshots can be ended."""
    migrates_with_snapshot: bool = True
    """A VM with a recovery snapshot can be live-migrated; otherwise that is refused."""
    disabled_checkpoints_refuse_snapshots: bool = False
    """A VM whose CheckpointType is Disabled has no recovery snapshots either."""
    tracking_survives_move_storage: bool = False
    """Changed ranges are still known after the VM's storage has moved."""
    tracking_ids: str = "rctX"
    """Change tracking identifiers are as 'rctX' has been seen, or look like any other 'guid': opaque text in either case."""
    change_bytes_per_call: int = 4 << 20
    """The most bytes of a disk that one GetVirtualDiskChanges looks at, whatever was asked; 0: it never gets on."""
    reference_arrays_agree: bool = True
    """A reference point's two arrays, of disks and of their ids, are of one length."""
    reference_points_keep_name: bool = True
    """A reference point has the ElementName of the snapshot that it was made of, and so our mark."""
    guest_never_freezes: list[str] = field(default_factory=list)
    """Ids of VMs whose guest lets a consistent snapshot run into its timeout."""
    guest_ignores_shutdown: list[str] = field(default_factory=list)
    """Ids of VMs whose guest doesn't react to a shutdown."""
