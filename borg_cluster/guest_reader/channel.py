"""The frames to and from the parent, and the volume whose bytes come by them."""

import json
import os
import struct
from collections import OrderedDict
from typing import IO

from borg_cluster.guest_reader.tree import Refusal

FRAME = struct.Struct("<cI")
WANT = struct.Struct("<QI")
_BLOCK = 64 << 10
_KEPT_BLOCKS = 512


class Channel:
    """The frames to and from the parent."""

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self._incoming, self._outgoing = incoming, outgoing

    def receive(self) -> bytes | None:
        """Return the next frame's content; None when the parent has nothing more to ask."""
        head = self._incoming.read(FRAME.size)
        if len(head) < FRAME.size:
            return None
        return self._incoming.read(FRAME.unpack(head)[1])

    def send(self, kind: bytes, content: bytes = b"") -> None:
        """Send a frame."""
        self._outgoing.write(FRAME.pack(kind, len(content)) + content)
        self._outgoing.flush()

    def tell(self, value: object, kind: bytes = b"J") -> None:
        """Send JSON."""
        self.send(kind, json.dumps(value).encode())


class Volume:
    """The volume as a file object, as libyal takes it: its bytes come from the parent, in blocks of which the last are kept."""

    def __init__(self, channel: Channel, size: int) -> None:
        self._channel, self._size, self._at = channel, size, 0
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    def read(self, size: int = -1) -> bytes:
        """Read from where ``seek`` led."""
        end = self._size if size < 0 else min(self._at + size, self._size)
        parts = []
        while self._at < end:
            number, inside = divmod(self._at, _BLOCK)
            part = self._block(number)[inside : inside + end - self._at]
            parts.append(part)
            self._at += len(part)
        return b"".join(parts)

    def _block(self, number: int) -> bytes:
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        start = number * _BLOCK
        wanted = min(_BLOCK, self._size - start)
        self._channel.send(b"R", WANT.pack(start, wanted))
        block = self._channel.receive()
        if block is None or len(block) != wanted:
            raise Refusal("gone", "the disk ends early")
        self._kept[number] = block
        if len(self._kept) > _KEPT_BLOCKS:
            self._kept.popitem(last=False)
        return block

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> None:
        """Go somewhere."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]

    def tell(self) -> int:
        """Return where we are."""
        return self._at

    def get_size(self) -> int:
        """Return the volume's size."""
        return self._size
