"""A real Borg repository, a VM's folder, and archives of it: plain ones, and ones made from the changed blocks only."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from borg_cluster import borg_starter
from borg_cluster.changed_blocks import PROGRAM, TOLD, Base, Disk, DiskOutcome, Request, dump_request, load_outcome

BORG = (str(Path(sys.executable).with_name("borg")),)
CHUNK = 1 << 20
PASSPHRASE = "of no use"
Ranges = Sequence[tuple[int, int]]


@dataclass(kw_only=True)
class Made:
    """An archive, and what its child told."""

    name: str
    outcomes: dict[str, DiskOutcome]
    messages: list[Mapping[str, Any]]
    code: int


@dataclass
class ChangedSite:
    """A repository below ``room``, and the folder ``room/vm`` whose files are archived as ``vm/...``."""

    room: Path
    encryption: str = "none"
    chunker: str = f"fixed,{CHUNK}"
    location: str = ""
    borg: tuple[str, ...] = BORG
    child: tuple[str, ...] = PROGRAM
    environment: dict[str, str] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    number: int = 0
    bases: dict[str, Base] = field(default_factory=dict)
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the folder and the repository."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.location = self.location or str(self.room / "repository")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.room),
            "LC_ALL": "C.UTF-8",
            "BORG_REPO": self.location,
            "BORG_PASSPHRASE": PASSPHRASE,
            "BORG_EXIT_CODES": "modern",
            "BORG_SELFTEST": "disabled",
            "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
            **self.environment,
        }
        self.run("init", "--encryption", self.encryption)

    @property
    def folder(self) -> Path:
        """Return where the VM's files lie."""
        return self.room / "vm"

    def run(self, *words: str, check: bool = True) -> bytes:
        """Run borg; return what it says on stdout."""
        arguments = (*self.borg, *words)
        forked = borg_starter.start(arguments, self.environment, folder=str(self.room))
        if forked is None:  # another version
            done = subprocess.run(arguments, env=self.environment, cwd=self.room, capture_output=True, check=False)
            code, out, err = done.returncode, done.stdout, done.stderr
        else:
            with forked, ThreadPoolExecutor(1) as threads:
                forked.stdin.close()
                told = threads.submit(forked.stderr.read)
                out, err, code = forked.stdout.read(), told.result(), forked.wait()
        if check:
            assert code == 0, err.decode()
        return out

    def words(self, name: str) -> tuple[str, ...]:
        """Return borg's arguments for a create."""
        return (
            "--log-json",
            "create",
            "--json",
            "--chunker-params",
            self.chunker,
            *self.extra,
            f"::{name}",
            ".borg-cluster",
            "vm",
        )

    def write_manifest(self, name: str) -> None:
        """Write the manifest that goes into the next archive."""
        files = [{"archive_path": f"vm/{path.name}", "size": path.stat().st_size, "identifier": None} for path in self.files()]
        (self.room / ".borg-cluster").mkdir(exist_ok=True)
        told = {"run_id": name, "subject": "vm", "files": files}
        (self.room / ".borg-cluster" / "manifest.json").write_text(json.dumps(told))
        self.sizes[name] = {file["archive_path"]: file["size"] for file in files}  # type: ignore[misc]

    def files(self) -> list[Path]:
        """Return the VM's files."""
        return sorted(path for path in self.folder.iterdir() if path.is_file())

    def plain(self) -> str:
        """Make an archive by Borg itself."""
        name = self.next_name()
        self.run(*self.words(name))
        return self.noted(name)

    def request(
        self, base: str, disks: Mapping[str, tuple[int, Ranges]], *, verify: float = 0.0, full: str | None = None
    ) -> Path:
        """Write what the child is told; ``disks`` are virtual size and changes by file name."""
        wanted = tuple(
            Disk(
                archive_path=f"vm/{file}",
                size=self.sizes[base][f"vm/{file}"],
                identifier=None,
                virtual_size=size,
                changed=tuple(changed),
            )
            for file, (size, changed) in disks.items()
        )
        path = self.room / "request.json"
        path.write_text(dump_request(Request(base=self.bases[base], disks=wanted, verify_fraction=verify, full=full)))
        return path

    def changed(
        self,
        base: str,
        disks: Mapping[str, tuple[int, Ranges]],
        *,
        verify: float = 0.0,
        full: str | None = None,
        check: bool = True,
    ) -> Made:
        """Make an archive from an earlier one."""
        name = self.next_name()
        words = (*self.child, str(self.request(base, disks, verify=verify, full=full)), *self.words(name))
        done = subprocess.run(words, env=self.environment, cwd=self.room, capture_output=True, check=False)
        messages = list(_messages(done.stderr.splitlines()))
        told = [load_outcome(message) for message in messages if message["type"] == TOLD]
        if check:
            assert done.returncode == 0, done.stderr.decode()
            self.noted(name)
        return Made(
            name=name,
            outcomes={one.archive_path.removeprefix("vm/"): one for one in told},
            messages=messages,
            code=done.returncode,
        )

    def next_name(self) -> str:
        """Return the next archive's name; its manifest is written."""
        self.number += 1
        self.write_manifest(f"a{self.number}")
        return f"a{self.number}"

    def noted(self, name: str) -> str:
        """Keep what an archive is known by, and return its name."""
        answer = json.loads(self.run("info", "--json", f"::{name}"))["archives"][0]
        self.bases[name] = Base(archive=name, archive_id=answer["id"], run_id=name, subject="vm")
        return name

    def content(self, name: str, file: str) -> bytes:
        """Return a file of an archive."""
        return self.run("extract", "--stdout", f"::{name}", f"vm/{file}")

    def difference(self, one: str, other: str) -> str:
        """Return what `borg diff` says; empty: the same."""
        return self.run("diff", "--content-only", f"::{one}", other, "--exclude", ".borg-cluster").decode()


def _messages(lines: Iterable[bytes]) -> Iterable[Mapping[str, Any]]:
    for line in lines:
        try:
            message = json.loads(line)
        except ValueError:
            message = {"type": "text", "text": line.decode()}
        yield message if isinstance(message, dict) else {"type": "text", "text": line.decode()}
