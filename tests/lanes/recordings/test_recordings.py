"""The simulated wire against recordings of Windows PowerShell 5.1, out of pypsrp's source distribution."""

import os
from pathlib import Path

import pytest

from borg_cluster.simulator.wire import serve
from tests.lanes.recordings.replay import Tally, recordings, replay
from tests.wire.echo import EchoCluster

ONE_MORE_RECEIVE = ("test_psrp_disconnect_runspaces 4: ", "test_psrp_with_jea_configuration 4: ")
"""Windows spread what it says of a new pool over one more response here; how many there are is a matter of its haste."""


def test_requests_get_the_kind_of_answer_that_windows_gave(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    recorded = dict(recordings(Path(os.environ["BORG_CLUSTER_RECORDINGS"])))
    with serve(EchoCluster(), folder=tmp_path) as nodes:
        for name, messages in recorded.items():
            replay(name, messages, nodes, tally)
    with capsys.disabled():
        print(f"\n{tally.render(len(recorded))}")  # noqa: T201 - the lane is there to tell this
    assert [one for one in tally.different if not one.startswith(ONE_MORE_RECEIVE)] == []
    assert tally.same > len(recorded)
