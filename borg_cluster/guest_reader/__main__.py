"""The process: it gives up its rights, then answers."""

import importlib
import json
import os
import resource
import sys
from collections.abc import Callable
from typing import Any

from borg_cluster.guest_reader.channel import Channel, Volume
from borg_cluster.guest_reader.tree import LIBYALS, Entry, Refusal, Tree, first_cause

_MEMORY = 2 << 30
_PIECE = 1 << 20
_NOBODY = 65534
_DEEPEST = 1024


class Answering:
    """Answers requests."""

    def __init__(self, channel: Channel, tree: Tree) -> None:
        self._channel, self._tree = channel, tree

    def answer(self, request: dict[str, Any]) -> None:
        """Answer one: ``path`` (names), ``children`` (of a folder too), ``recursive``, ``content``."""
        entry = self._tree.find(request["path"])
        self._tell(entry, [], content=request["content"])
        if entry.kind == "folder" and request["children"]:
            self._walk(entry, recursive=request["recursive"], content=request["content"])
        self._channel.send(b"E")

    def _walk(self, top: Entry, *, recursive: bool, content: bool) -> None:
        met = {top.number}
        open_folders = [(top, self._tree.children(top, self._complaint([])), [""])]
        while open_folders:
            _, children, names = open_folders[-1]
            path = names[1:]
            try:
                entry = next(children, None)
            except OSError as error:
                self._complaint(path)(f"the folder can't be read: {first_cause(error)}")
                entry = None
            if entry is None:
                open_folders.pop()
                continue
            self._tell(entry, [*path, entry.name], content=content)
            if entry.kind == "folder" and recursive:
                below = [*names, entry.name]
                if entry.number in met or len(below) > _DEEPEST:
                    self._complaint(below[1:])("the folder is met a second time, or too deep: the file system is damaged")
                    continue
                met.add(entry.number)
                open_folders.append((entry, self._tree.children(entry, self._complaint(below[1:])), below))

    def _complaint(self, path: list[str]) -> Callable[[str], None]:
        return lambda message: self._channel.tell({"path": path, "complaint": message})

    def _tell(self, entry: Entry, path: list[str], *, content: bool) -> None:
        self._channel.tell(entry.facts(path))
        if not content or entry.kind != "file" or entry.refused:
            return
        left = entry.size
        entry.yal.seek(0)
        while left:
            try:
                piece = entry.yal.read(min(left, _PIECE))
                problem = "it ends early"
            except OSError as error:
                piece, problem = b"", first_cause(error)
            if not piece:
                broken = f"it can't be read after {entry.size - left} bytes of {entry.size}: {problem}"
                self._channel.tell({"path": path, "broken": broken})
                return
            self._channel.send(b"B", piece)
            left -= len(piece)


def confine() -> None:
    """Give up everything that reading does not need."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE):
        resource.setrlimit(limit, (0, 0))


def main(module_name: str, size: int) -> None:
    """Answer until the parent has no more to ask; the volume is opened for the first question."""
    channel = Channel(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))
    module = importlib.import_module(module_name)
    confine()
    answering = None
    while (request := channel.receive()) is not None:
        try:
            answering = answering or Answering(channel, Tree(module, Volume(channel, size)))
            answering.answer(json.loads(request))
        except Refusal as refusal:
            channel.tell({"code": refusal.code, "message": str(refusal)}, b"X")
        except LIBYALS as error:
            channel.tell({"code": "damaged", "message": f"the file system can't be read: {first_cause(error)}"}, b"X")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
