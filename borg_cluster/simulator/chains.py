"""Disk chains as a node finds them: from the leaf by each file's own parent locator down to the base."""

import ntpath
import os
from dataclasses import dataclass
from pathlib import Path

from borg_cluster.simulator.failure import (
    FILE_CORRUPT,
    FILE_IS_SPARSE,
    FILE_NOT_FOUND,
    PARENT_MISMATCH,
    PARENT_NOT_FOUND,
    CommandError,
)
from borg_cluster.simulator.vhdx import DiskDamaged, DiskInfo, read_info
from borg_cluster.simulator.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One file of a chain; ``info`` is None when it is absent or no VHDX."""

    path: str
    real: Path | None
    info: DiskInfo | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain from the leaf as far as it goes; ``error`` is the HRESULT that ended it early."""

    links: tuple[Link, ...]
    error: str | None

    @property
    def reals(self) -> list[Path]:
        """The real files, leaf first, of a chain without error."""
        return [link.real for link in self.links if link.real is not None]

    @property
    def paths(self) -> list[str]:
        """Windows' paths of the files that exist, leaf first."""
        return [link.path for link in self.links if link.real is not None]


def find_chain(world: World, leaf: str, node: str) -> Chain:
    """Follow a chain from ``leaf``; never raises, a broken chain says so."""
    links: list[Link] = []
    path, child = leaf, None
    while True:
        link, error = _look(world, path, node)
        links.append(link)
        if child is not None and link.real is None:
            error = PARENT_NOT_FOUND
        if error is None and child is not None and link.info is not None and link.info.data_write != child:
            error = PARENT_MISMATCH
        if error is not None or link.info is None or link.info.parent is None:
            return Chain(links=tuple(links), error=error)
        child = link.info.parent.linkage
        path = _parent_path(world, link.path, link.info.parent.relative_path, link.info.parent.absolute_path, node)


def _look(world: World, path: str, node: str) -> tuple[Link, str | None]:
    try:
        real = world.real(path, node)
        return Link(path=path, real=real, info=read_info(real)), None
    except (CommandError, FileNotFoundError):
        return Link(path=path, real=None, info=None), FILE_NOT_FOUND
    except (DiskDamaged, OSError):
        return Link(path=path, real=real, info=None), FILE_CORRUPT


def _parent_path(world: World, child: str, relative: str, absolute: str, node: str) -> str:
    beside = ntpath.normpath(ntpath.join(ntpath.dirname(child), relative))
    return beside if exists(world, beside, node) else absolute


def exists(world: World, path: str, node: str) -> bool:
    """Whether there is a file or folder at ``path``, as that node sees it."""
    try:
        return world.real(path, node).exists()
    except CommandError:
        return False


def why_unusable(world: World, leaf: str, node: str) -> tuple[str, str] | None:
    """Return why a disk can't be opened, as (HRESULT, path), or None."""
    chain = find_chain(world, leaf, node)
    if chain.error is not None:
        return chain.error, chain.links[-1].path
    for link in chain.links:
        if world.switches.refuse_sparse_files and link.real is not None and _has_holes(link.real):
            return FILE_IS_SPARSE, link.path
    return None


def _has_holes(path: Path) -> bool:
    with path.open("rb") as file:
        return os.lseek(file.fileno(), 0, os.SEEK_HOLE) < path.stat().st_size
