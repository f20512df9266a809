"""Failures that no simulated node shows: what they are taken for."""

import ssl
from dataclasses import replace
from types import SimpleNamespace

import pytest
import requests
from pypsrp.exceptions import WinRMTransportError, WSManFaultError
from spnego.exceptions import InvalidCredentialError

from borg_cluster.core.policy import RemotingSettings
from borg_cluster.remoting.failure import Kind, classify, from_record

SETTINGS = RemotingSettings(
    auth="kerberos",
    username=None,
    password=None,
    port=5986,
    ca=None,
    configuration_name="BorgCluster",
    bootstrap=False,
    addresses={},
    connection_timeout=10,
    read_timeout=60,
    operation_timeout=20,
    deadline=300,
    nodes_at_once=32,
)


def fault(code: int | str, reason: str = "because") -> WSManFaultError:
    return WSManFaultError(code, "node1", reason, None, None, None)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (requests.ConnectTimeout(), Kind.TIMEOUT, "node1: accepted no connection on port 5986 for 10 s"),
        (requests.ReadTimeout(), Kind.TIMEOUT, "node1: no answer in time"),
        (requests.exceptions.ChunkedEncodingError("broken"), Kind.UNREACHABLE, "node1: the connection was lost: broken"),
        (requests.exceptions.SSLError(ssl.SSLEOFError(8, "EOF")), Kind.UNREACHABLE, "node1: the connection was lost"),
        (fault(5), Kind.AUTH, "node1: login refused for the current user (kerberos)"),
        (fault(2150859174, "too\nmany shells"), Kind.WSMAN, "node1: Received a WSManFault message. (Code: 2150859174"),
        (fault("w:Other"), Kind.WSMAN, "node1: Received a WSManFault message"),
        (WinRMTransportError("http", 503, "busy"), Kind.WSMAN, "node1: Bad HTTP response returned from the server. Code: 503"),
        (InvalidCredentialError(context_msg="no ticket"), Kind.AUTH, "node1: no login with kerberos: "),
        (ImportError("no gssapi"), Kind.AUTH, "node1: no login with kerberos: the package gssapi is not installed"),
        (
            InvalidCredentialError(context_msg="(Server not found in Kerberos database)"),
            Kind.AUTH,
            "node1: no login with kerberos: Server not",
        ),
    ],
)
def test_kind_and_message(error: Exception, kind: Kind, message: str) -> None:
    found = classify(error, settings=SETTINGS, node="node1")
    assert found.kind is kind
    assert found.message.startswith(message)
    assert "\n" not in found.message


def test_the_user_who_was_refused_is_named() -> None:
    found = classify(fault(5), settings=replace(SETTINGS, username="EXAMPLE\\backup"), node="node1")
    assert "EXAMPLE\\backup" in found.message


def record(exception: object, category: int = 7) -> SimpleNamespace:
    return SimpleNamespace(exception=exception, fq_error="Some,Id", category=category, target_name="")


def exception(**properties: object) -> SimpleNamespace:
    return SimpleNamespace(adapted_properties={"Message": "It\r\nfailed.", **properties})


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"HResult": -2147024864}, "0x80070020"),
        ({"HResult": -2146233087}, None),
        ({"HResult": -2146233087, "NativeErrorCode": 5023}, "0x8007139F"),
        ({"HResult": -2146233087, "InnerException": exception(NativeErrorCode=5013, HResult=-2147467259)}, "0x80071395"),
        ({"HResult": -1070268403}, "0xC035000D"),
        ({}, None),
    ],
)
def test_code_of_a_record(properties: dict[str, object], code: str | None) -> None:
    found = from_record(record(exception(**properties)), node="node1", command="Get-It")
    assert found.message == "node1: Get-It: It failed."
    assert found.fields == {"error_id": "Some,Id", "category": "InvalidOperation", "code": code, "target": None}


def test_category_of_a_later_powershell() -> None:
    assert from_record(record(exception(), category=99), node="node1", command="Get-It").fields["category"] == "99"
