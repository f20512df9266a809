"""A world of restores over the real wire, and the product as a process of its own, on this host or another one."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from borg_cluster import config, journal
from borg_cluster.bridge import Bridge
from borg_cluster.context import Context
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.wire import Nodes, serve
from tests.e2e.restore_site import RestoreSite, Stock

_CONFIGURATION = """\
cluster: hv.example.test
remoting: {{auth: ntlm, username: {username}, password: {password}, ca: {ca}, port: {port}, addresses: {addresses}}}
mounts:
  - {{windows: 'C:\\ClusterStorage\\Volume1', path: {one}}}
  - {{windows: 'C:\\ClusterStorage\\Volume2', path: {two}}}
repositories: [{{path: {repository}, label: main}}]
borg: {{base_directory: {base}}}
restore: {{keep_parked: 7d, stop_action: turn_off}}
jobs:
  nightly: {{kind: virtual_machines, repository: main}}
  web: {{kind: virtual_machines, repository: main, select: {{include: [{{name: 'web*'}}]}}}}
  plain: {{kind: virtual_machines, repository: main, select: {{include: [{{name: 'NO'}}]}}}}
retries: 0 # what fails shall fail at once
"""


_ELSEWHERE = """\
import sys
from pathlib import Path
from borg_cluster import claim_holder
claim_holder._MACHINE = Path(sys.argv.pop(1))
from borg_cluster.cli import main
main()
"""
"""Runs the product as on a machine with another id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A backup host: its environment, and the file that holds its machine's id; None: this machine's own."""

    environment: dict[str, str]
    machine: Path | None = None

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `borg-cluster` as a process of its own."""
        elsewhere = ["-c", _ELSEWHERE, str(self.machine)]
        program = [sys.executable, *(elsewhere if self.machine is not None else ["-m", "borg_cluster"])]
        return subprocess.Popen([*program, *arguments], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run it to its end; return its exit code and all that it printed."""
        process = self.begin(*arguments)
        output = process.communicate(timeout=110)[0].decode()
        return process.returncode, output


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A world over the wire: how the product's own process is told of it, and a context that asks by the wire, too."""

    site: RestoreSite
    context: Context
    here: Host
    there: Host
    """Another backup host, with a state directory of its own, that reaches the volumes by other paths."""
    standing: list[subprocess.Popen[bytes]] = field(default_factory=list)
    """What was let stand still; it is ended with the site."""

    def begin(self, vm_id: str) -> subprocess.Popen[bytes]:
        """Start `borg-cluster extract` here."""
        return self.here.begin("extract", vm_id, "--yes")

    def only_restore(self) -> str:
        """Return the id of the restore that the state directory here knows."""
        (progress,) = journal.restores(self.context.state)
        return progress.plan.source.restore_id

    def stop_at(self, command: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start the product here, and let it stand still (SIGSTOP) as a command that it gave has been carried out."""
        processes: list[subprocess.Popen[bytes]] = []
        stands = threading.Event()

        def stop(_: object) -> None:
            os.kill(processes[0].pid, signal.SIGSTOP)
            stands.set()

        self.site.cluster.faults.add(Fault(kind="change_after", command=command, change=stop))
        processes.append(self.here.begin(*arguments))
        self.standing.extend(processes)
        assert stands.wait(100), processes[0].communicate(timeout=10)[0].decode()
        return processes[0]


def go_on(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Let a process that stands still go on to its end; return its exit code and what it printed."""
    os.kill(process.pid, signal.SIGCONT)
    output = process.communicate(timeout=110)[0].decode()
    return process.returncode, output


@contextmanager
def serve_site(stock: Stock, folder: Path) -> Iterator[Served]:
    """Serve a copy of the world to two backup hosts."""
    with stock.copy(folder) as site, serve(site.cluster, folder=folder / "tls") as nodes:
        here = {"STATE_DIRECTORY": str(site.context.state)}
        there = {"STATE_DIRECTORY": str(folder / "there")}
        (folder / "there").mkdir()
        (folder / "machine-id").write_text("0123456789abcdef0123456789abcdef\n", encoding="ascii")
        volumes = {name: site.cluster.volume_folder(name) for name in site.cluster.volume_names}
        (folder / "mounts").mkdir()
        mounts = {name: folder / "mounts" / name.lower() for name in volumes}
        for name, path in volumes.items():
            mounts[name].symlink_to(path)
        here["BORG_CLUSTER_CONFIG"] = _configured(folder / "here.yaml", stock, nodes, volumes)
        there["BORG_CLUSTER_CONFIG"] = _configured(folder / "there.yaml", stock, nodes, mounts)
        policy = config.load(Path(here["BORG_CLUSTER_CONFIG"]))
        bridge = Bridge(policy.remoting, domain=policy.domain, secret=site.context.plugins.secret)
        served = Served(
            site=site,
            context=replace(site.context, bridge=bridge, policy=policy),
            here=Host(environment={**os.environ, **here}),
            there=Host(environment={**os.environ, **there}, machine=folder / "machine-id"),
        )
        try:
            yield served
        finally:
            for process in (one for one in served.standing if one.poll() is None):
                process.kill()
                process.communicate()


def _configured(file: Path, stock: Stock, nodes: Nodes, mounts: dict[str, Path]) -> str:
    """Write a configuration; return its path."""
    secret = file.with_suffix(".password")
    secret.touch(mode=0o600)
    secret.write_text(nodes.password, encoding="utf-8")
    text = _CONFIGURATION.format(
        username=json.dumps(nodes.username),
        password=json.dumps(f"{{credential file {secret}}}"),
        ca=json.dumps(str(nodes.ca)),
        port=nodes.port,
        addresses=json.dumps(dict(nodes.addresses)),
        one=json.dumps(str(mounts["Volume1"])),
        two=json.dumps(str(mounts["Volume2"])),
        repository=json.dumps(stock.borg.repository.path),
        base=json.dumps(stock.borg.settings.base_directory),
    )
    file.write_text(text, encoding="utf-8")
    return str(file)
