"""psrpcore's server side, with what it and Windows do differently: byte order marks, and fragments that travel one by one."""

import codecs
import struct
import uuid
from collections.abc import Iterator
from typing import Any

from psrpcore import ServerRunspacePool

FRAGMENT_SIZE = 32768
_FRAGMENT_HEADER = struct.Struct(">QQBI")
"""Ids of object and fragment, flags, and the length of what follows."""

_MESSAGE_HEADER = 40
"""Bytes before the text of a message: destination, type, and the ids of pool and pipeline."""

_PIPELINE_ID = slice(_FRAGMENT_HEADER.size + 24, _FRAGMENT_HEADER.size + _MESSAGE_HEADER)
_STARTS = 1
_POOL_STATE = 0x00021005


class WindowsPool(ServerRunspacePool):
    """A runspace pool whose messages begin with a byte order mark, as those of Windows do."""

    def prepare_message(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - as psrpcore has it
        """Add a message to those that are to be sent."""
        super().prepare_message(*arguments, **named)
        # psrpcore has no public way to say how a message is encoded
        message = self._send_buffer[-1]
        if len(message) > _MESSAGE_HEADER:
            message._data[_MESSAGE_HEADER:_MESSAGE_HEADER] = codecs.BOM_UTF8  # noqa: SLF001

    def fragments(self) -> Iterator[tuple[uuid.UUID | None, bytes]]:
        """Yield what is to be sent, and for which pipeline; psrpcore packs small fragments together, Windows doesn't."""
        while (payload := self.data_to_send(FRAGMENT_SIZE)) is not None:
            for fragment in _split(payload.data):
                yield payload.pipeline_id, fragment


def tells_state(fragment: bytes) -> bool:
    """Return whether a fragment begins a message about the pool's state: Windows sends that in a response of its own."""
    return message_type(fragment) == _POOL_STATE


def message_type(fragment: bytes) -> int | None:
    """Return the type of the message that begins with this fragment, or None if it goes on with one."""
    _, _, flags, length = _FRAGMENT_HEADER.unpack_from(fragment)
    if not flags & _STARTS or length < _MESSAGE_HEADER:
        return None
    kind: int = struct.unpack_from("<I", fragment, _FRAGMENT_HEADER.size + 4)[0]
    return kind


def addressed(data: bytes, pipeline_id: uuid.UUID) -> bytes:
    """Return fragments with their messages addressed to a pipeline: to Windows, WSMan's command id says which one is meant."""
    parts = []
    for fragment in _split(data):
        part = bytearray(fragment)
        if message_type(fragment) is not None:
            part[_PIPELINE_ID] = pipeline_id.bytes_le
        parts.append(bytes(part))
    return b"".join(parts)


def _split(data: bytes) -> Iterator[bytes]:
    while data:
        end = _FRAGMENT_HEADER.size + _FRAGMENT_HEADER.unpack_from(data)[3]
        yield data[:end]
        data = data[end:]
