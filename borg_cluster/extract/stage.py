"""The steps that touch nothing of the VM: extract its files beside their places, and prove them."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from borg_cluster.borg import Borg, Heed
from borg_cluster.bridge import Lost
from borg_cluster.context import Context
from borg_cluster.core import event
from borg_cluster.core import step as kinds
from borg_cluster.errors import BorgClusterError, Refused, RestoreStopped
from borg_cluster.extract import proof
from borg_cluster.extract.scene import Scene


def open_repository(context: Context, label: str) -> Borg:
    """Return a repository of the configuration by its label. Raises Refused."""
    repository = next((one for one in context.policy.repositories if one.label == label), None)
    if repository is None:
        raise Refused(f"the configuration names no repository {label}", hint="borg-cluster config show")
    return Borg(context.policy.borg, repository, secret=context.plugins.secret)


def rehearse(step: kinds.Rehearse, scene: Scene) -> Lost | None:
    """Read the archive's files once, without writing: borg checks each chunk that it reads."""
    plan, context = scene.progress.plan, scene.context
    total = sum(file.size or 0 for file in step.files)

    def heed(done: int, _all: int, path: str | None) -> None:
        context.emit(event.Progress(subject=plan.vm_id, done=done, total=total, path=path))

    borg = open_repository(context, plan.source.repository)
    borg.rehearse(plan.source.archive, tuple(file.archive_path for file in step.files), heed=heed)
    return None


def stage(step: kinds.Stage, scene: Scene) -> Lost | None:
    """Extract into each mount's staged folder, emptied before: what lies there is from an attempt that did not end."""
    plan, context = scene.progress.plan, scene.context
    borg = open_repository(context, plan.source.repository)
    total = sum(file.size or 0 for file in step.files)
    before = 0
    for folder, files in _by_folder(step.files).items():
        done_before = before

        def heed(done: int, _all: int, path: str | None, *, so_far: int = done_before) -> None:
            context.emit(event.Progress(subject=plan.vm_id, done=so_far + done, total=total, path=path))

        def write(place: Path, files: Sequence[kinds.StagedFile] = files, heed: Heed = heed) -> None:
            borg.extract(plan.source.archive, tuple(file.archive_path for file in files), place, heed=heed)
            for file in files:
                _sync(place / file.archive_path)

        fill(context, folder, write, subject=scene.vm_id, mark=scene.restore_id)
        before += sum(file.size or 0 for file in files)
    return None


def fill(context: Context, folder: Path, write: Callable[[Path], None], *, subject: str, mark: str) -> None:
    """Fill a folder by the path that a plugin opens, or where it is mounted if none does, or what it opened is of no use.

    It is emptied before. ``subject`` is what warnings are about; ``mark`` a name that nothing in it has.
    """

    def warn(message: str) -> None:
        context.emit(event.Warned(subject=subject, message=message, hint=None))

    target = context.plugins.open_target(folder, warn=warn)
    try:
        with target as place:
            _empty(place)
            if target.plugin is None or _is_the_same(place, folder, mark):
                write(place)
                return
            warn(f"what plugin {target.plugin} opened is not {folder}: the files are written where it is mounted")
    except (BorgClusterError, OSError) as error:
        if target.plugin is None:
            raise
        warn(f"what plugin {target.plugin} opened of {folder} failed, so the files are written where it is mounted: {error}")
    _empty(folder)
    write(folder)


def _empty(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def _is_the_same(place: Path, folder: Path, mark: str) -> bool:
    """Return whether what is written to one is seen in the other: half a file of an earlier attempt may lie there."""
    written = place / mark
    written.touch()
    try:
        return (folder / mark).exists()
    finally:
        written.unlink()


def _by_folder(files: tuple[kinds.StagedFile, ...]) -> dict[Path, list[kinds.StagedFile]]:
    grouped: dict[Path, list[kinds.StagedFile]] = {}
    for file in files:
        grouped.setdefault(Path(file.local_path.removesuffix(file.archive_path)), []).append(file)
    return grouped


def _sync(path: Path) -> None:
    """Wait until a file is on its disk: Done must not outlive what it speaks of."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def inspect(step: kinds.Inspect, scene: Scene) -> Lost | None:
    """Stop unless every staged file is what it should be, here and for Windows."""
    wrong = list(proof.faults(step.files, scene.context.policy.mounts, node=scene.progress.plan.node))
    for file in step.files:
        seen = scene.observed.file(file.staged)
        here = Path(file.local_path)
        if seen is not None and seen.length is not None and here.is_file() and seen.length != here.stat().st_size:
            wrong.append(f"{file.staged} has {seen.length} bytes for Windows and {here.stat().st_size} here")
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise RestoreStopped(f"what was staged is not right: {wrong[0]}{more}", faults=wrong)
    return None


def compare(step: kinds.Compare, scene: Scene) -> Lost | None:
    """Stop if Windows would not register the staged configuration; what registering mends is told then."""
    node = next((live for live in scene.look.live if live.lower() == step.node.lower()), scene.look.live[0])
    answer = scene.context.bridge.compare_vm(scene.look.address(node), vm_id=scene.vm_id, path=step.path)
    if isinstance(answer, Lost):
        return answer
    unmended = [found.message for found in answer.incompatibilities if found.mended_by is None]
    if unmended:
        raise RestoreStopped(f"{node} could not register it: {'; '.join(unmended)}", hint="say another node: --to-node NODE")
    return None
