"""What the simulated nodes do as Windows does and psrpcore doesn't."""

import uuid

from psrpcore import ClientRunspacePool, PSRPPayload, StreamType
from psrpcore.types import PSRPMessageType

from borg_cluster.simulator.psrp import FRAGMENT_SIZE, WindowsPool, addressed, message_type, tells_state

HEADERS = 21 + 40


def opened() -> tuple[ClientRunspacePool, list[bytes]]:
    """Open a pool; return the client and what the server sent."""
    client, server = ClientRunspacePool(), WindowsPool(application_private_data={"text": "x" * 2 * FRAGMENT_SIZE})
    client.open()
    asked = client.data_to_send()
    assert asked is not None
    server.receive_data(asked)
    while server.next_event() is not None:
        pass
    return client, [fragment for _, fragment in server.fragments()]


def test_each_message_begins_with_a_byte_order_mark() -> None:
    _, sent = opened()
    begun = [fragment for fragment in sent if message_type(fragment) is not None]
    assert [fragment[HEADERS : HEADERS + 4] for fragment in begun] == [b"\xef\xbb\xbf<"] * 3
    assert [PSRPMessageType(message_type(fragment) or 0).name for fragment in begun] == [
        "SessionCapability",
        "ApplicationPrivateData",
        "RunspacePoolState",
    ]


def test_fragments_are_those_of_windows() -> None:
    _, sent = opened()
    assert len(sent) == 5
    assert max(map(len, sent)) == FRAGMENT_SIZE
    assert [tells_state(fragment) for fragment in sent] == [False] * 4 + [True]


def test_a_client_reads_them() -> None:
    client, sent = opened()
    for fragment in sent:
        client.receive_data(PSRPPayload(fragment, StreamType.default, None))
    while client.next_event() is not None:
        pass
    assert client.state.name == "Opened"
    assert len(client.application_private_data["text"]) == 2 * FRAGMENT_SIZE


def test_messages_are_for_the_pipeline_that_wsman_names() -> None:
    _, sent = opened()
    pipeline = uuid.uuid4()
    first, second, *_ = (addressed(fragment, pipeline) for fragment in (sent[1], sent[2]))
    assert first[HEADERS - 16 : HEADERS] == pipeline.bytes_le
    # the rest of a message has no address
    assert second == sent[2]
