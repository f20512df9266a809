"""The base archive, as the child process has it: its files' chunks, and bytes of them fetched from the repository."""

import json
from typing import Any

from borg_cluster.borg_content import Borgs, ChunkDamaged, Content, Fetcher
from borg_cluster.changed_blocks.request import Base, Disk

_MANIFEST = ".borg-cluster/manifest.json"
_LARGEST_MANIFEST = 64 << 20


class Doubt(Exception):
    """Why a disk is read in full; the text is for people."""


def on_grid(file: Content, chunk_size: int) -> bool:
    """Return whether a file's chunks are of that size, but for the last one."""
    count = len(file.starts) - 1
    return all(file.starts[number] == number * chunk_size for number in range(count)) and (
        count == 0 or 0 < file.size - file.starts[count - 1] <= chunk_size
    )


class BaseArchive:
    """The base archive, opened and compared with what is known of it. Raises Doubt.

    Args:
        archive_class: Borg's ``Archive``.
        cache: Borg's cache, with its repository, key and manifest.
        base: what is known.
        disks: the files that are wanted of it.
        chunker_params: those of the archive that is made now.
    """

    def __init__(self, archive_class: Borgs, cache: Borgs, base: Base, disks: tuple[Disk, ...], chunker_params: Borgs) -> None:
        known = cache.manifest.archives.get(base.archive)
        if known is None:
            raise Doubt(f"its base archive {base.archive} is gone")
        if known.id.hex() != base.archive_id:
            raise Doubt(f"the archive {base.archive} is not the one that was made")
        self._archive = archive_class(cache.repository, cache.key, cache.manifest, base.archive, cache=cache)
        params = self._archive.metadata.get("chunker_params")
        if params is None or tuple(params) != tuple(chunker_params):
            raise Doubt("its base archive was made with other chunker parameters")
        wanted = {disk.archive_path for disk in disks} | {_MANIFEST}
        self.files = {item.path: Content(item) for item in self._archive.iter_items() if item.path in wanted}
        self._fetcher = Fetcher(self._archive)
        self.manifest = self._read_manifest(base)

    def _read_manifest(self, base: Base) -> dict[str, dict[str, Any]]:
        file = self.files.pop(_MANIFEST, None)
        if file is None or file.linked or file.size > _LARGEST_MANIFEST:
            raise Doubt("its base archive has no manifest")
        told = json.loads(self.read(file, 0, file.size))
        if (told["run_id"], told["subject"]) != (base.run_id, base.subject):
            raise Doubt("the manifest in its base archive is of another run or VM")
        return {file["archive_path"]: file for file in told["files"]}

    def file(self, disk: Disk) -> Content:
        """Return a disk's file. Raises Doubt where it is not what is known of it."""
        found, told = self.files.get(disk.archive_path), self.manifest.get(disk.archive_path)
        if found is None or told is None:
            raise Doubt("its base archive does not hold it")
        if found.linked:
            raise Doubt("it is a hard link in its base archive")
        if found.mended:
            raise Doubt("its base archive was repaired, and holds zeros in place of what was lost")
        if found.size != disk.size or told["size"] != disk.size or told["identifier"] != disk.identifier:
            raise Doubt("its base archive's own manifest says otherwise than the catalog")
        return found

    def read(self, file: Content, offset: int, length: int) -> bytes:
        """Return a range of a file; less where the file ends. Raises Doubt."""
        try:
            return self._fetcher.read(file, offset, length)
        except ChunkDamaged as damage:
            raise Doubt(f"in its base archive {damage}") from damage

    def forget_content(self) -> None:
        """Let go of what was fetched."""
        self._fetcher.forget()
