"""Run lanes: ``python -m tests.lanes kerberos``, or ``all``, which begins with the ordinary tests.

At the end a line a lane: how many passed, failed and were not run, or that it was not run at all and why, which is no failure. A
new lane is one entry of LANES: ``make test-NAME`` runs it. ``--within MINUTES`` leaves out the lanes for which no time is left.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from borg_cluster.changed_blocks import guard

ROOT = Path(__file__).parents[2]
CACHE = Path(sys.prefix) / "lanes"
"""What lanes have built; it goes when the virtual environment does."""

KERBEROS_TOOLS = {"krb5-kdc": "krb5kdc", "krb5-admin-server": "kadmin.local", "krb5-user": "kinit", "libkrb5-dev": "krb5-config"}
"""A program of each Debian package that the Kerberos lane needs."""

FILES_TOOLS = {
    "e2fsprogs": "mkfs.ext4",
    "xfsprogs": "mkfs.xfs",
    "ntfs-3g": "mkfs.ntfs",
    "fdisk": "sfdisk",
    "gdisk": "sgdisk",
    "qemu-utils": "qemu-img",
    "dosfstools": "mkfs.vfat",
    "btrfs-progs": "mkfs.btrfs",
    "cryptsetup-bin": "cryptsetup",
}
"""A program of each Debian package that the lane of guests' files needs."""

SAMBA_TOOLS = {
    "samba": "smbd",
    "samba-common-bin": "smbpasswd",
    "rclone": "rclone",
    "fuse3": "fusermount3",
    "cifs-utils": "mount.cifs",
    "kmod": "modprobe",
    "procps": "pgrep",
}
"""A program of each Debian package that the Samba lane needs."""

MINUTES = "BORG_CLUSTER_LANE_MINUTES"
"""The variable that tells a lane how many minutes are left for it; absent if as many as it takes."""

_QUICKLY = {"CFLAGS": "-O0 -g0"}
"""Builds what is built from source in a third of the time; what it does here is little."""

_PATIENCE = 900
"""Seconds for what is fetched and built."""

SYSTEM = ("/usr/sbin", "/sbin")

_ALL_CORES = ("--numprocesses", "auto", "--dist", "worksteal")


_OF_THE_MAP = ("unit/test_vhdx_map.py", "property/test_changed_file.py", "property/test_vhdx_fuzz.py")


class NotRun(Exception):
    """A lane can't run here; the text says why, in one line."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How the tests of a lane ended. ``skipped`` ones said why they can't be run here; they are never counted as passed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0


def run_pytest(name: str, environment: Mapping[str, str]) -> Tally:
    """Run the tests in the lane's folder."""
    return _pytest([str(Path(__file__).parent / name)], {**environment, "BORG_CLUSTER_LANE": name})


def run_on_all_cores(name: str, environment: Mapping[str, str]) -> Tally:
    """Run the tests in the lane's folder, several at once."""
    folder = str(Path(__file__).parent / name)
    return _pytest([*_ALL_CORES, folder], {**environment, "BORG_CLUSTER_LANE": name})


def run_crash(name: str, environment: Mapping[str, str]) -> Tally:
    """Run the mutations that the crash matrix must notice, what else there is in the lane's folder, then the matrix.

    Of the matrix as many cells are run as the time suffices for, if it is limited.
    """
    around = {**os.environ, **environment}
    began = time.monotonic()
    mutated = subprocess.run([sys.executable, "-m", "tests.crash.mutate"], cwd=ROOT, env=around, check=False).returncode
    others = run_pytest(name, environment)
    words = [sys.executable, "-m", "tests.crash"]
    if MINUTES in environment:
        words += ["--minutes", str(max(1.0, float(environment[MINUTES]) - (time.monotonic() - began) / 60))]
    with tempfile.TemporaryDirectory() as folder:
        matrix = Path(folder) / "matrix.json"
        done = subprocess.run([*words, "--tally", str(matrix)], cwd=ROOT, env=around, check=False)
        cells = json.loads(matrix.read_text(encoding="utf-8")) if matrix.is_file() else {"failed": done.returncode}
    return Tally(
        passed=cells.get("passed", 0) + others.passed + (mutated == 0),
        failed=cells["failed"] + others.failed + (mutated != 0),
        skipped=cells.get("skipped", 0) + others.skipped,
    )


def run_changed(name: str, environment: Mapping[str, str]) -> Tally:
    """Run the tests in the lane's folder, several at once, and those of the block map, which need qemu's programs for a part."""
    places = [str(Path(__file__).parent / name), *(str(ROOT / "tests" / one) for one in _OF_THE_MAP)]
    return _pytest([*_ALL_CORES, *places], {**environment, "BORG_CLUSTER_LANE": name})


def run_suite(_: str, environment: Mapping[str, str]) -> Tally:
    """Run the ordinary tests, as ``make test`` does."""
    return _pytest([*_ALL_CORES], environment)


@dataclass(frozen=True, kw_only=True)
class Lane:
    """Tests in the folder of this name, what makes them ready (returning more environment), and what runs them.

    ``minutes``: what it takes at most on 2 cores, all that it fetches and builds included.
    """

    name: str
    prepare: Callable[[], Mapping[str, str]] = field(default=dict)
    run: Callable[[str, Mapping[str, str]], Tally] = run_pytest
    minutes: int = 5


def run_pester(_: str, environment: Mapping[str, str]) -> Tally:
    """Run the tests of the PowerShell module."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.xml"
        script = Path(__file__).parent / "powershell" / "run.ps1"
        command = ["pwsh", "-NoProfile", "-NonInteractive", "-File", str(script), "-Result", str(result)]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False)
        if not result.is_file():
            return Tally(failed=1 if done.returncode else 0)
        return _counted(result)


def prepare_kerberos() -> Mapping[str, str]:
    """Have a KDC and Python's Kerberos; return the environment in which they are found."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *SYSTEM))
    missing = [package for package, program in KERBEROS_TOOLS.items() if shutil.which(program, path=path) is None]
    if missing:
        _install(missing)
    built = CACHE / "kerberos"
    environment = {"PATH": path, "PYTHONPATH": os.pathsep.join(filter(None, (str(built), os.environ.get("PYTHONPATH"))))}
    works = [sys.executable, "-c", "import gssapi, krb5"]
    if subprocess.run(works, env={**os.environ, **environment}, capture_output=True, check=False).returncode:
        _pip("install", "--no-deps", "--upgrade", "--target", str(built), "gssapi", "krb5", "decorator", environment=_QUICKLY)
    return environment


def prepare_recordings() -> Mapping[str, str]:
    """Have the source distribution of the pypsrp that is installed, unpacked."""
    folder = CACHE / "recordings"
    if not any(folder.glob("*.tar.gz")):
        version = subprocess.run(
            [sys.executable, "-c", "from importlib.metadata import version; print(version('pypsrp'))"],
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        _pip("download", "--no-deps", "--no-binary", "pypsrp", "--dest", str(folder), f"pypsrp=={version}")
    return {"BORG_CLUSTER_RECORDINGS": str(next(folder.glob("*.tar.gz")))}


def prepare_powershell() -> Mapping[str, str]:
    """Have PowerShell and Pester 5; they are not installed from here."""
    if shutil.which("pwsh") is None:
        raise NotRun("pwsh is not installed")
    test = "exit [int](-not (Get-Module -ListAvailable Pester | Where-Object Version -ge 5.0))"
    if subprocess.run(["pwsh", "-NoProfile", "-NonInteractive", "-Command", test], capture_output=True, check=False).returncode:
        raise NotRun("PowerShell has no Pester 5")
    return {}


def prepare_files() -> Mapping[str, str]:
    """Have the tools that make guests' file systems and disks, and the libraries that read them."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *SYSTEM))
    missing = [package for package, program in FILES_TOOLS.items() if shutil.which(program, path=path) is None]
    if missing:
        _install(missing)
    return {"PATH": path}


def prepare_samba() -> Mapping[str, str]:
    """Have a server of shares, and what mounts them."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *SYSTEM))
    missing = [package for package, program in SAMBA_TOOLS.items() if shutil.which(program, path=path) is None]
    if missing:
        _install(missing)
    if os.geteuid() != 0:
        raise NotRun("smbpasswd makes users for root alone")
    return {"PATH": path}


def prepare_systemd() -> Mapping[str, str]:
    """Have systemd-analyze, which needs no running systemd."""
    if shutil.which("systemd-analyze") is None:
        _install(["systemd"])
    return {}


def prepare_changed() -> Mapping[str, str]:
    """Have each Borg 1.4 that changed blocks are made with, in a virtual environment of its own, and qemu's programs."""
    if shutil.which("qemu-io") is None:
        _install(["qemu-utils"])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_build_borg, guard.TESTED))
    return {"BORG_CLUSTER_BORGS": str(CACHE / "borgs")}


def _build_borg(version: str) -> None:
    folder = CACHE / "borgs" / version
    if not (folder / "bin" / "borg").exists():
        _pip("install", f"borgbackup=={version}", python=_make_environment(folder), environment=_QUICKLY)


def prepare_borgmatic() -> Mapping[str, str]:
    """Have borgmatic in a virtual environment of its own: it is another program, with requirements of its own."""
    folder = CACHE / "borgmatic"
    program = folder / "bin" / "borgmatic"
    if not program.exists():
        _pip("install", "borgmatic>=2.1,<3", python=_make_environment(folder))
    return {"BORG_CLUSTER_BORGMATIC": str(program)}


_FUSE_BORG = """\
#!{python}
import sys

sys.path.insert(0, {library!r})
from borg.archiver import main

sys.argv[0] = "borg"
main()
"""
"""Borg as it is installed here, with a FUSE library that is not."""


def prepare_mount() -> Mapping[str, str]:
    """Have FUSE, and a borg that can use it."""
    if not Path("/dev/fuse").exists():
        raise NotRun("there is no /dev/fuse")
    if shutil.which("fusermount3") is None:
        _install(["fuse3"])
    library = CACHE / "mount"
    if not (library / "pyfuse3").is_dir():
        if shutil.which("pkg-config") is None or _run(["pkg-config", "--exists", "fuse3"], os.environ).returncode:
            _install(["libfuse3-dev", "pkg-config", "gcc"])  # there may be no wheel of it
        _pip("install", "--upgrade", "--target", str(library), "pyfuse3>=3.1.1")
    program = library / "borg-with-fuse"
    program.write_text(_FUSE_BORG.format(python=sys.executable, library=str(library)), encoding="utf-8")
    program.chmod(0o755)
    return {"BORG_CLUSTER_FUSE_BORG": str(program)}


LANES = {
    lane.name: lane
    for lane in (
        Lane(name="tests", run=run_suite, minutes=15),
        Lane(name="changed", prepare=prepare_changed, run=run_changed, minutes=8),
        Lane(name="recordings", prepare=prepare_recordings),
        Lane(name="systemd", prepare=prepare_systemd),
        Lane(name="samba", prepare=prepare_samba, minutes=10),
        Lane(name="files", prepare=prepare_files, minutes=10),
        Lane(name="borgmatic", prepare=prepare_borgmatic),
        Lane(name="mount", prepare=prepare_mount),
        Lane(name="powershell", prepare=prepare_powershell, run=run_pester),
        Lane(name="restore", run=run_on_all_cores, minutes=10),
        Lane(name="runs", run=run_on_all_cores),
        Lane(name="kerberos", prepare=prepare_kerberos),  # Python's Kerberos is built, the first time
        Lane(name="kill", run=run_on_all_cores, minutes=10),
        Lane(name="crash", run=run_crash, minutes=10),  # all of it takes 15; what there is no time for is left out
    )
}
"""In this order, so that what takes longest comes last."""


def _install(packages: list[str]) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NotRun(f"these Debian packages are missing: {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages]
    # the lists may be absent (a fresh image) or old: try what is there, then fetch them
    for command in (install, ["apt-get", "update", "-qq"], install):
        if _run(command, environment).returncode == 0 and command is install:
            return
    raise NotRun(f"apt could not install {' '.join(packages)}")


def _run(command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, env=environment, capture_output=True, check=False, text=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired as error:
        what = " ".join(command[1:4] if command[0] == sys.executable else command[:2])
        raise NotRun(f"{what} took longer than {_PATIENCE} s") from error


def _make_environment(folder: Path) -> str:
    """Make a virtual environment; return its Python."""
    made = _run([sys.executable, "-m", "venv", str(folder)], os.environ)
    if made.returncode:
        raise NotRun(f"no virtual environment can be made: {(made.stderr.strip() or 'nothing').splitlines()[-1]}")
    return str(folder / "bin" / "python")


def _pip(*words: str, python: str = sys.executable, environment: Mapping[str, str] | None = None) -> None:
    command = [python, "-m", "pip", *words, "-q", "--disable-pip-version-check", "--no-input"]
    done = _run(command, {**os.environ, **(environment or {})})
    if done.returncode:
        said = (done.stderr.strip() or "nothing").splitlines()[-1]
        raise NotRun(f"pip {words[0]} failed: {said}")


def _pytest(words: list[str], environment: Mapping[str, str]) -> Tally:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={result}", *words]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False)
        return _counted(result) if result.is_file() else Tally(failed=1)


def _counted(result: Path) -> Tally:
    suites = ET.parse(result).getroot().iter("testsuite")  # noqa: S314 - written just now, by the tests' own runner
    total = failed = skipped = 0
    for suite in suites:
        total += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", suite.get("disabled", 0)))
    return Tally(passed=total - failed - skipped, failed=failed, skipped=skipped)


def run(lane: Lane, *, minutes: float | None = None) -> tuple[str, int]:
    """Run one lane if ``minutes`` (None: as many as it takes) are enough; return its line and how many tests failed."""
    if minutes is not None and lane.minutes > minutes:
        return f"{lane.name}: not run: it may take {lane.minutes} minutes, and {max(0, int(minutes))} are left", 0
    try:
        environment = {**lane.prepare(), **({} if minutes is None else {MINUTES: f"{minutes:.1f}"})}
    except NotRun as reason:
        return f"{lane.name}: not run: {reason}", 0
    tally = lane.run(lane.name, environment)
    if not tally.passed and not tally.failed:
        return f"{lane.name}: not run: {f'all {tally.skipped} tests were skipped' if tally.skipped else 'it has no tests'}", 0
    skipped = f", {tally.skipped} not run" if tally.skipped else ""
    return f"{lane.name}: {tally.passed} passed, {tally.failed} failed{skipped}", tally.failed


def main(words: list[str]) -> int:
    """Run the lanes of these names; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.lanes")
    parser.add_argument("names", nargs="+", choices=[*LANES, "all"], metavar="NAME")
    parser.add_argument("--within", type=float, metavar="MINUTES")
    given = parser.parse_args(words)
    began = time.monotonic()
    results = []
    for name in LANES if given.names == ["all"] else given.names:
        left = None if given.within is None else given.within - (time.monotonic() - began) / 60
        results.append(run(LANES[name], minutes=left))
    sys.stdout.flush()
    for line, _ in results:
        sys.stdout.write(f"{line}\n")
    return int(any(failed for _, failed in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
