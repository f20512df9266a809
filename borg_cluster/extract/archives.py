"""Which archive is meant by a word: the catalog knows; where it doesn't, the manifests in the archives do."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from borg_cluster.borg import ListedArchive
from borg_cluster.catalog import manifest_from_json
from borg_cluster.context import Context
from borg_cluster.core.archive import CHECKPOINT_SUFFIX, CLOCK_SKEW, MANIFEST_NOTE, ArchiveKind, Manifest
from borg_cluster.core.event import Warned
from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import vm_id_key
from borg_cluster.errors import BorgFailed, Refused, UnknownVM
from borg_cluster.extract.stage import open_repository

LATEST = "latest"
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ID_PREFIX = 8
"""So many characters of an id are shown in tables; they name a VM where they're unique."""
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:?\d{2}:?\d{2}Z?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An archive of a VM; ``repository`` is the label, ``created_at`` ISO UTC."""

    repository: str
    archive: str
    subject: str
    name: str
    created_at: str


def resolve_archive(
    context: Context,
    vm: str,
    which: str = LATEST,
    *,
    kind: ArchiveKind = ArchiveKind.VIRTUAL_MACHINE,
    cluster: str | None = None,
) -> tuple[str, str, Manifest]:
    """Return (label of the repository, archive, manifest) of the archive that is meant. Asks no node.

    Args:
        context: the site.
        vm: a VM's id, its beginning, or its name, as it is or was called.
        which: 'latest', an archive's name, or a date or moment (ISO, UTC): the newest up to then. What is dated in the future,
            since the clock was wrong, is the latest only where there is no other; a warning names it.
        kind: VOLUME: ``vm`` is the name of a volume.
        cluster: whose archives are meant; None: those of the configured one.

    Raises:
        UnknownVM: no archive is of such a VM (or volume), or those of several are.
        Refused: none of its archives is meant by ``which``.
        RepositoryRefused: a repository does not open.
    """
    cluster = cluster or context.policy.cluster
    known = tuple(_in_catalog(context, kind, cluster))
    try:
        archives = _of_vm(known, vm, kind)
        chosen = _choose(archives, which, context.clock())
        manifest = context.catalog.manifest(chosen.repository, chosen.archive)
    except (UnknownVM, Refused):
        archives = _of_vm(tuple(_in_repositories(context, vm, kind, cluster)), vm, kind)
        chosen, manifest = _choose(archives, which, context.clock()), None
    if manifest is None:
        manifest = _read_manifest(context, chosen.repository, chosen.archive)
    if manifest is None:
        raise Refused(f"the archive {chosen.archive} holds no manifest", hint="it is not one of borg-cluster's")
    if which == LATEST:
        _tell_of_the_future(context, archives, chosen)
    return chosen.repository, chosen.archive, manifest


def _in_catalog(context: Context, kind: ArchiveKind, cluster: str) -> Iterator[Candidate]:
    labels = {repository.label for repository in context.policy.repositories}
    for row in context.catalog.archives(cluster):
        if row.repository in labels and row.kind == kind.value:
            yield Candidate(
                repository=row.repository, archive=row.archive, subject=row.subject, name=row.name, created_at=row.created_at
            )


def _in_repositories(context: Context, vm: str, kind: ArchiveKind, cluster: str) -> Iterator[Candidate]:
    """Yield the archives that may be the VM's, asking each repository; one manifest a series of archives tells whose it is."""
    for repository in context.policy.repositories:
        series: dict[str, list[ListedArchive]] = {}
        for listed in open_repository(context, repository.label).list_archives(
            f"*{vm}*" if _ID.fullmatch(vm_id_key(vm)) else "*"
        ):
            if not listed.name.endswith(CHECKPOINT_SUFFIX):
                series.setdefault(_TIME.sub("", listed.name), []).append(listed)
        for archives in series.values():
            newest = _read_manifest(context, repository.label, archives[-1].name)
            if newest is None or newest.kind is not kind or newest.cluster.lower() != cluster.lower():
                continue
            for listed in archives:
                yield Candidate(
                    repository=repository.label,
                    archive=listed.name,
                    subject=newest.subject,
                    name=newest.name,
                    created_at=_moment(listed.start).isoformat(),
                )


def _read_manifest(context: Context, label: str, archive: str) -> Manifest | None:
    """Return an archive's manifest; None if it holds none that we can read."""
    try:
        return manifest_from_json(open_repository(context, label).read_file(archive, MANIFEST_NOTE))
    except (BorgFailed, ValueError):
        return None


def _of_vm(known: tuple[Candidate, ...], vm: str, kind: ArchiveKind) -> tuple[Candidate, ...]:
    """Return the archives of the VM that a word names, oldest first. Raises UnknownVM."""
    key = vm_id_key(vm)
    ways = (
        [one for one in known if one.subject == key],
        [one for one in known if one.name == vm],
        [one for one in known if one.name.casefold() == vm.casefold()],
        [one for one in known if len(key) >= _ID_PREFIX and one.subject.startswith(key)],
    )
    found = next((way for way in ways if way), None)
    if found is None:
        near = difflib.get_close_matches(vm, {one.name for one in known}, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "borg-cluster list"
        what = "volume" if kind is ArchiveKind.VOLUME else "virtual machine"
        raise UnknownVM(f"no archive is of a {what} {vm!r}", hint=hint, word=vm)
    ids = sorted({one.subject for one in found})
    if len(ids) > 1:
        raise UnknownVM(f"{len(ids)} virtual machines are called {vm!r}", hint=f"say which by its id: {', '.join(ids)}", word=vm)
    return tuple(sorted((one for one in known if one.subject == ids[0]), key=lambda one: _moment(one.created_at)))


def _choose(archives: tuple[Candidate, ...], which: str, now: datetime) -> Candidate:
    if which == LATEST:
        return next((one for one in reversed(archives) if not _is_of_the_future(one, now)), archives[-1])
    named = next((one for one in archives if one.archive == which), None)
    if named is not None:
        return named
    until = _until(which)
    if until is None:
        near = difflib.get_close_matches(which, [one.archive for one in archives], n=1)
        hint = f"did you mean {near[0]}?" if near else "say latest, an archive's name, or a date such as 2026-03-01"
        raise Refused(f"{one_line(archives[0].name)} has no archive {which!r}", hint=hint)
    found = [one for one in archives if _moment(one.created_at) < until]
    if not found:
        raise Refused(f"{one_line(archives[0].name)} has no archive up to {which}", hint=f"its oldest is {archives[0].archive}")
    return found[-1]


def _is_of_the_future(archive: Candidate, now: datetime) -> bool:
    return _moment(archive.created_at) > now + CLOCK_SKEW


def _tell_of_the_future(context: Context, archives: tuple[Candidate, ...], chosen: Candidate) -> None:
    """Warn of archives that the clock gave a wrong time: one of them may be what is wanted."""
    future = [one.archive for one in archives if _is_of_the_future(one, context.clock())]
    if not future:
        return
    if chosen.archive in future:
        message = f"all its archives are dated in the future; the last by its date, {chosen.archive}, counts as the latest"
    else:
        message = f"dated in the future: {', '.join(future)}; the latest before, {chosen.archive}, is taken"
    context.emit(Warned(subject=chosen.subject, message=message, hint="see to the clock; an archive's name takes that one"))


def _until(which: str) -> datetime | None:
    """Return the moment before which an archive must have been made: the end of the day, minute or second that is named."""
    for pattern, length in (
        ("%Y-%m-%d", timedelta(days=1)),
        ("%Y-%m-%dT%H:%M", timedelta(minutes=1)),
        ("%Y-%m-%d %H:%M", timedelta(minutes=1)),
        ("%Y-%m-%dT%H:%M:%S", timedelta(seconds=1)),
    ):
        try:
            return datetime.strptime(which.removesuffix("Z"), pattern).replace(tzinfo=UTC) + length
        except ValueError:
            continue
    return None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
