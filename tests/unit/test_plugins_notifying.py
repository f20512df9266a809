"""The ready-made plugins that tell somebody: what they send, to a real server, and that a bad server costs a warning alone."""

import json
import shutil
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from borg_cluster import plugins
from borg_cluster.core import event as events
from borg_cluster.plugins import PluginManager
from borg_cluster.shipped import shipped
from tests.unit.test_cli_sinks import FAILED, FINISHED, HOSTILE, WARNED_OF

STARTED = events.RunStarted(run_id="0b0e", cluster="hv", verb="run")
FAILED_BADLY = events.ArchiveFailed(
    job="a", subject="i", name=HOSTILE, reason="the disk\nis \ud800full", hint=None, refused=False
)
NAMES = ("healthchecks", "ntfy", "mail_report")
Load = Callable[[str], PluginManager]
Serve = Callable[[type[socketserver.StreamRequestHandler]], AbstractContextManager[int]]


def finished(exit_code: int) -> events.RunFinished:
    return events.RunFinished(
        run_id="0b0e",
        cluster="hv",
        verb="run",
        exit_code=exit_code,
        done=1,
        failed=int(exit_code > 1),
        warnings=int(exit_code == 1),
        seconds=60,
        reason=None,
    )


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load one plugin as a site's file."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def loaded(name: str) -> PluginManager:
        folder = tmp_path / "hooks.d"
        folder.mkdir(exist_ok=True)
        shutil.copy(shipped("hooks") / f"{name}.py", folder)
        return plugins.load(folder)

    return loaded


@contextmanager
def serve(handler: type[socketserver.StreamRequestHandler]) -> Iterator[int]:
    """Serve on a port of the test's own, which is returned."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def http(seen: list[tuple[str, dict[str, str], str]], *, status: str = "200 OK") -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            path = self.rfile.readline().decode().split()[1]
            headers = {}
            while line := self.rfile.readline().decode().strip():
                name, _, value = line.partition(": ")
                headers[name.lower()] = value
            seen.append((path, headers, self.rfile.read(int(headers["content-length"])).decode()))
            self.wfile.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())

    return Handler


def smtp(seen: list[str]) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                if line.upper().startswith(b"DATA"):
                    self.wfile.write(b"354 go on\r\n")
                    seen.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
                self.wfile.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 fine\r\n")

    return Handler


class Hanging(socketserver.StreamRequestHandler):
    """Takes everything and never answers."""

    def handle(self) -> None:
        """Read to the end."""
        while self.rfile.read(1):
            pass


def point(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """Let all three send to one port."""
    monkeypatch.setenv("HEALTHCHECKS_PING_URL", f"http://127.0.0.1:{port}/some-uuid/")
    monkeypatch.setenv("NTFY_SERVER", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("NTFY_TOPIC", "backups")
    monkeypatch.setenv("MAIL_REPORT_TO", "admin@example.test")
    monkeypatch.setenv("MAIL_REPORT_HOST", "127.0.0.1")
    monkeypatch.setenv("MAIL_REPORT_PORT", str(port))


def observe(manager: PluginManager, *happened: events.Event) -> list[str]:
    return [warning.message for event in happened for warning in manager.observe(event)]


@pytest.mark.parametrize(("code", "path"), [(0, ""), (1, ""), (3, "/fail"), (4, "/fail")])
def test_healthchecks_hears_of_start_and_end(load: Load, monkeypatch: pytest.MonkeyPatch, code: int, path: str) -> None:
    seen: list[tuple[str, dict[str, str], str]] = []
    with serve(http(seen)) as port:
        point(monkeypatch, port)
        assert observe(load("healthchecks"), STARTED, FINISHED, FAILED_BADLY, finished(code)) == []

    assert [target for target, _, _ in seen] == ["/some-uuid/start?rid=0b0e", f"/some-uuid{path}?rid=0b0e"]
    assert f"{HOSTILE}: the disk\nis \\ud800full" in seen[1][2]


def test_ntfy_hears_of_failures_alone_unless_told_otherwise(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, dict[str, str], str]] = []
    with serve(http(seen)) as port:
        point(monkeypatch, port)
        monkeypatch.setenv("NTFY_TOKEN", "tk_1")
        manager = load("ntfy")
        assert observe(manager, STARTED, FINISHED, finished(0), STARTED, FAILED_BADLY, finished(2)) == []
        assert len(seen) == 1
        monkeypatch.setenv("NTFY_STATES", "start finish")
        assert observe(manager, STARTED, finished(1)) == []

    told = [json.loads(body) for _, _, body in seen]
    assert seen[0][1]["authorization"] == "Bearer tk_1"
    assert [message["title"] for message in told] == ["hv: run: fail", "hv: run begins", "hv: run: finish"]
    assert HOSTILE in told[0]["message"]
    assert FAILED_BADLY.name not in told[2]["message"], "of the run before"


def test_a_mail_tells_what_failed_first(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    with serve(smtp(seen)) as port:
        point(monkeypatch, port)
        assert observe(load("mail_report"), STARTED, FINISHED, WARNED_OF, FAILED_BADLY, FAILED, finished(3)) == []

    (mail,) = seen
    assert "Subject: borg-cluster: run of hv: failed\r\n" in mail
    assert "To: admin@example.test\r\n" in mail
    assert mail.index("Failed") < mail.index("db01: no mount") < mail.index("Warnings") < mail.index("Done")
    assert r"web[1]* [red]\x1b[31m\n: the disk\nis \ud800full" in mail


@pytest.mark.parametrize("name", NAMES)
def test_a_server_that_never_answers_is_a_warning_in_time(load: Load, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with serve(Hanging) as port:
        point(monkeypatch, port)
        manager = load(name)
        (plugin,) = (one for one in manager.get_plugins() if hasattr(one, "TIMEOUT"))
        monkeypatch.setattr(plugin, "TIMEOUT", 0.2)
        (warning,) = observe(manager, finished(3))

    # the socket's own limit and the plugin's are the same: whichever is first ends it
    ends = ("TimeoutError", "SMTPServerDisconnected: Connection unexpectedly closed: timed out")
    assert any(f"{name}.py failed on RunFinished: {end}" in warning for end in ends)


@pytest.mark.parametrize("name", NAMES)
def test_no_server_is_a_warning(load: Load, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        point(monkeypatch, taken.getsockname()[1])
        (warning,) = observe(load(name), finished(3))

    assert "refused" in warning


def test_a_server_that_says_no_is_a_warning(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(http([], status="500 Oh")) as port:
        point(monkeypatch, port)
        assert "HTTP Error 500" in observe(load("ntfy"), finished(3))[0]


@pytest.mark.parametrize("name", NAMES)
def test_without_settings_nothing_is_sent(load: Load, name: str) -> None:
    assert observe(load(name), STARTED, FINISHED, finished(3)) == []


def test_settings_may_lie_beside_the_plugin(load: Load, tmp_path: Path) -> None:
    seen: list[tuple[str, dict[str, str], str]] = []
    manager = load("healthchecks")
    with serve(http(seen)) as port:
        beside = tmp_path / "hooks.d" / "healthchecks.yaml"
        beside.write_text(f"HEALTHCHECKS_PING_URL: http://127.0.0.1:{port}/u\n", encoding="utf-8")
        assert observe(manager, finished(0)) == []

    assert [target for target, _, _ in seen] == ["/u?rid=0b0e"]
