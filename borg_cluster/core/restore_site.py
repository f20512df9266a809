r"""Where one restore acts, and where its files lie meanwhile. Pure.

Everything of one restore lies in ``<mount>\.borg-cluster\<restore id>\{staged,parked,saved}`` on the same volume as its place,
so that placing and parking are renames.
"""

from dataclasses import dataclass

from borg_cluster.core.archive import FOLDER, ArchivedFile
from borg_cluster.core.policy import Located, Mount, locate
from borg_cluster.core.staged import StagedFile
from borg_cluster.errors import NotMapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a restore acts: the mounts, the node whose own disks count, and the restore's id."""

    mounts: tuple[Mount, ...]
    node: str | None
    restore_id: str

    def look_up(self, path: str) -> Located | None:
        """Return where a path is reached here, or None."""
        return locate(path, self.mounts, node=self.node)

    def locate(self, path: str) -> Located:
        """Return where a path is reached here; raises NotMapped."""
        located = self.look_up(path)
        if located is None:
            raise NotMapped(
                f"{path} lies on no mount of the configuration",
                hint="add its volume to mounts:, say where it is here: --map STORAGE=MOUNT, or extract the files only: --to DIR",
                path=path,
            )
        return located

    def folder(self, path: str) -> str:
        """Return this restore's folder on the storage of ``path``."""
        return "\\".join((self.locate(path).mount.windows.rstrip("\\"), FOLDER, self.restore_id))

    def aside(self, path: str, room: str) -> str:
        """Return where a path's file is kept in ``room`` (staged, parked or saved)."""
        inside = self.locate(path).archive_path.replace("/", "\\")
        return f"{self.folder(path)}\\{room}\\{inside}"

    def staged(self, file: ArchivedFile, final: str) -> StagedFile:
        """Return an archived file with its staged and ``final`` places; raises NotMapped if we can't write there."""
        mount = self.locate(final).mount
        if not mount.writable:
            raise NotMapped(
                f"{final} lies on the mount {mount.path}, which is not writable",
                hint=f"mount it for writing and say writable: true for {mount.windows}, or extract the files only: --to DIR",
                path=final,
            )
        return StagedFile(
            archive_path=file.archive_path,
            kind=file.kind,
            size=file.size,
            identifier=file.identifier,
            final=final,
            staged=f"{self.folder(final)}\\staged\\" + file.archive_path.replace("/", "\\"),
            local_path="/".join((mount.path.rstrip("/"), FOLDER, self.restore_id, "staged", file.archive_path)),
        )
