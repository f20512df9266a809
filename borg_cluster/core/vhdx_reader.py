"""The content of a virtual disk, read at any place: a VHDX file, or a differencing file and all its parents."""

import itertools
from collections.abc import Sequence

from borg_cluster.core.vhdx import VHDXDamaged, links
from borg_cluster.core.vhdx_map import Place, VHDXMap


class DiskReader:
    """Random access to a virtual disk.

    Args:
        chain: the maps of its files, from the leaf to the base. Raises VHDXDamaged unless each one's parent follows it.
    """

    def __init__(self, chain: Sequence[VHDXMap]) -> None:
        for child, parent in itertools.pairwise(chain):
            if not links(child.disk, parent.disk):
                raise VHDXDamaged("a file of the chain is not the parent of the one over it, or was written since")
        if not chain or chain[-1].disk.parent is not None:
            raise VHDXDamaged("the chain lacks its base")
        self._chain = tuple(chain)

    @property
    def size(self) -> int:
        """Bytes of the virtual disk."""
        return self._chain[0].disk.virtual_size

    def read(self, offset: int, length: int) -> bytes:
        """Return a virtual range; less only at the end of the disk. Raises VHDXDamaged, or what the files' ``read`` raises."""
        return self._read(0, offset, max(min(length, self.size - offset), 0))

    def _read(self, level: int, offset: int, length: int) -> bytes:
        """Return exactly so many bytes as one file of the chain and those under it have them; beyond its end zeros."""
        part = self._chain[level]
        parts: list[bytes] = []
        for extent in part.extents(offset, length):
            if extent.place is Place.PARENT:
                parts.append(self._read(level + 1, extent.start, extent.length))
            elif extent.offset is None:
                parts.append(bytes(extent.length))
            else:
                # a file that its log lets grow is shorter than it says: the rest of it is zeros
                parts.append(part.read(extent.offset, extent.length).ljust(extent.length, b"\0"))
        return b"".join(parts).ljust(length, b"\0")
