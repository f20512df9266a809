"""The HTTPS side of a simulated node: one thread a connection, the login bound to it, answers from whichever node is meant."""

import http.client
import socket
import ssl
import struct
from collections.abc import Callable
from http import HTTPStatus
from typing import BinaryIO

from borg_cluster.simulator.certificates import user_of
from borg_cluster.simulator.login import Account, Login, Policy
from borg_cluster.simulator.service import Service
from borg_cluster.simulator.wsman import Dropped, Fault, internal, parse_request, render_fault

_LONGEST_LINE = 65536
_ABORT = struct.pack("ii", 1, 0)


class Connection:
    """One TCP connection of a client.

    Args:
        raw: the accepted socket, which the connection closes.
        tls: the server's side of TLS, with the certificate of the name that was connected to.
        service: returns the node that answers now, or None if none does; a cluster's name moves.
        logins: who may log in, and how.
    """

    def __init__(
        self,
        raw: socket.socket,
        *,
        tls: ssl.SSLContext,
        service: Callable[[], Service | None],
        logins: Policy,
    ) -> None:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = tls.wrap_socket(raw, server_side=True, do_handshake_on_connect=False)
        self._service = service
        self._login = Login(logins, certified=self._certified, accept=self._accepts_login)

    def run(self) -> None:
        """Answer requests until either side ends the connection; to be called once, in a thread of its own."""
        with self._socket:
            try:
                self._socket.do_handshake()
                with self._socket.makefile("rb") as requests:
                    while self._answer_next(requests):
                        pass
            except Dropped:
                # a reset instead of TLS' farewell, as of a node that died
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            except ssl.SSLError:
                self._let_alert_arrive()
            except (OSError, http.client.HTTPException):
                # the client is gone, or spoke something else; nobody is left to tell
                return

    def _let_alert_arrive(self) -> None:
        """Wait for the client's end: closed over what it has sent already, the connection would be reset, and the reason lost."""
        self.end(socket.SHUT_WR)
        try:
            # the plain socket's: TLS is over
            while socket.socket.recv(self._socket, _LONGEST_LINE):
                pass
        except OSError:
            # it went without a farewell
            return

    def end(self, direction: int = socket.SHUT_RDWR) -> None:
        """End the connection from another thread."""
        try:
            # not SSLSocket.shutdown, which pulls the TLS state away from the thread that reads
            socket.socket.shutdown(self._socket, direction)
        except OSError:
            # it ended by itself
            return

    def _answer_next(self, requests: BinaryIO) -> bool:
        line = requests.readline(_LONGEST_LINE)
        if not line:
            return False
        headers = http.client.parse_headers(requests)
        body = requests.read(int(headers.get("Content-Length") or 0))
        service = self._node()
        challenge = self._login.step(headers.get("Authorization"))
        if not line.startswith(b"POST /wsman"):
            self._send(HTTPStatus.NOT_FOUND, b"", challenge)
        elif self._login.account is None:
            self._send(HTTPStatus.UNAUTHORIZED, b"", challenge)
        elif not body:
            self._send(HTTPStatus.OK, b"", challenge)
        else:
            self._send(*_answer(service, body, self._login.account), challenge)
        return True

    def _send(self, status: HTTPStatus, body: bytes, challenge: list[str]) -> None:
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", "Server: Microsoft-HTTPAPI/2.0", f"Content-Length: {len(body)}"]
        lines += [f"WWW-Authenticate: {value}" for value in challenge]
        if body:
            lines.append("Content-Type: application/soap+xml;charset=UTF-8")
        # one write: with two, the second one would wait for the client's acknowledgement of the first
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    def _certified(self) -> str | None:
        certificate = self._socket.getpeercert(binary_form=True)
        return None if certificate is None else user_of(certificate)

    def _accepts_login(self) -> bool:
        return self._node().accepts_login()

    def _node(self) -> Service:
        service = self._service()
        if service is None:
            raise Dropped
        if not service.alive():
            service.lose_shells()
            raise Dropped
        return service


def _answer(service: Service, body: bytes, account: Account) -> tuple[HTTPStatus, bytes]:
    message_id = ""
    try:
        request = parse_request(body)
        message_id = request.message_id
        return HTTPStatus.OK, service.answer(request, account)
    except Dropped:
        if not service.alive():
            service.lose_shells()
        raise
    except Fault as error:
        fault = error
    except Exception as error:  # noqa: BLE001 - a fault of the simulator is a SOAP fault, never a lost connection
        fault = internal(error)
    return HTTPStatus.INTERNAL_SERVER_ERROR, render_fault(fault, relates_to=message_id, node=service.node)
