"""Commands there and answers back, over real TLS, NTLM and PSRP."""

import base64
import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from borg_cluster.core.policy import RemotingSettings
from borg_cluster.remoting import Session, address_of
from borg_cluster.simulator.wire import Nodes
from tests.wire.conftest import Open
from tests.wire.echo import EchoCluster

HOSTILE = (
    "web[1]*?",
    'it\'s "quoted" `$(Stop-Computer)` ${x}; & | > <',
    "line\r\nbreak\ttab\x00\x07 nul",
    "_x0041_ _X000D_ _x005F_",
    "zażółć 日本語 \U0001f600\U00010000",
    " trailing and leading ",
    "]]>&amp;<a/>",
    "x" * 100,
    "NO",
)


def echoed(session: Session, *, vm_id: str, **parameters: Any) -> Any:
    return json.loads(session.invoke("Get-BorgClusterVMState", {"VMId": vm_id, **parameters}))["parameters"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_strings_arrive_and_come_back_whole(open_node: Open, text: str) -> None:
    with open_node() as session:
        assert echoed(session, vm_id=text, Path=[text, text + text]) == {"VMId": text, "Path": [text, text + text]}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_the_round_trip(open_node: Open, text: str) -> None:
    with open_node() as session:
        assert echoed(session, vm_id=text)["VMId"] == text


def test_parameters_keep_their_types(open_node: Open) -> None:
    given_ = {"Action": 3, "Force": True, "Path": ["one"], "Nothing": [], "TimeoutSecond": 2**31 - 1}
    with open_node() as session:
        assert echoed(session, vm_id="x", **given_) == {"VMId": "x", **given_}


@pytest.mark.parametrize("auth", ["ntlm", "negotiate", "basic"])
def test_each_way_to_log_in(open_node: Open, auth: str) -> None:
    with open_node(auth=auth) as session:
        assert echoed(session, vm_id=auth) == {"VMId": auth}


def test_one_session_runs_several_commands(open_node: Open, echo: EchoCluster) -> None:
    with open_node() as session:
        assert [echoed(session, vm_id=str(number))["VMId"] for number in range(5)] == ["0", "1", "2", "3", "4"]
    assert len(echo.executed) == 5


def test_short_name_and_fqdn_lead_to_the_same_node(open_node: Open, echo: EchoCluster) -> None:
    for name in ("node2", "NODE2.Example.Test"):
        with open_node(name) as session:
            session.invoke("Get-BorgClusterReport", {})
    assert [node for node, _ in echo.executed] == ["node2", "node2"]


def test_large_answers_are_compressed_on_the_wire_and_whole_here(open_node: Open, echo: EchoCluster) -> None:
    large = json.dumps({"schema": 1, "text": [f"line {number} żó\U0001f600" for number in range(100_000)]}, ensure_ascii=False)
    echo.answers["Get-BorgClusterReport"] = lambda *_: large
    with open_node() as session:
        assert session.invoke("Get-BorgClusterReport", {}) == large


def test_answers_that_the_node_compressed_itself(open_node: Open, echo: EchoCluster) -> None:
    packed = base64.b64encode(gzip.compress(b'{"schema": 1}')).decode()
    echo.answers["Get-BorgClusterReport"] = lambda *_: packed
    with open_node() as session:
        assert session.invoke("Get-BorgClusterReport", {}) == '{"schema": 1}'


def test_incompressible_answers_need_many_envelopes(open_node: Open, echo: EchoCluster) -> None:
    # 99 000 characters are sent as they are; of three bytes each they fill several envelopes
    large = "語" * 99_000
    echo.answers["Get-BorgClusterReport"] = lambda *_: large
    with open_node() as session:
        assert session.invoke("Get-BorgClusterReport", {}) == large


def test_large_parameters_are_sent_in_parts(open_node: Open) -> None:
    with open_node() as session:
        assert echoed(session, vm_id="x", Path=["p" * 1000] * 400)["Path"] == ["p" * 1000] * 400


def test_all_nodes_at_once_from_many_threads(open_node: Open, echo: EchoCluster) -> None:
    def ask(number: int) -> str:
        with open_node(f"node{number % 3 + 1}.example.test") as session:
            answer = json.loads(session.invoke("Get-BorgClusterVMState", {"VMId": str(number)}))
        return f"{answer['node']} {answer['parameters']['VMId']}"

    with ThreadPoolExecutor(9) as pool:
        assert list(pool.map(ask, range(18))) == [f"node{number % 3 + 1} {number}" for number in range(18)]
    assert len(echo.executed) == 18


def test_proxies_of_the_environment_are_not_asked(open_node: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    with open_node() as session:
        assert echoed(session, vm_id="a") == {"VMId": "a"}


def test_addresses_are_looked_up_by_either_name(settings: RemotingSettings, nodes: Nodes) -> None:
    only_short = {"node1": "127.0.0.9"}
    assert address_of(settings, "Node1.Example.Test") == nodes.addresses["node1.example.test"]
    assert address_of(RemotingSettings(**{**_fields(settings), "addresses": only_short}), "NODE1.example.test") == "127.0.0.9"
    assert address_of(RemotingSettings(**{**_fields(settings), "addresses": {}}), "node1.example.test") == "node1.example.test"


def _fields(settings: RemotingSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in RemotingSettings.__slots__}
