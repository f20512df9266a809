"""Verb: make a configuration from a repository alone, out of what its archives keep of theirs.

Archives are found by their comments, which name the job and the run: of the newest of each series, one a run is opened. What
archives don't keep (how to open the repository, command lines) comes from whoever asks, or is said to be missing.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from borg_cluster import config
from borg_cluster.borg import find_borg
from borg_cluster.borg_upkeep import UpkeepBorg
from borg_cluster.catalog import manifest_from_json
from borg_cluster.config import document, written
from borg_cluster.config.words import fits
from borg_cluster.core.archive import CONFIGURATION_NOTE, MANIFEST_NOTE
from borg_cluster.core.policy import BorgSettings
from borg_cluster.errors import BorgFailed, ConfigError, Refused

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_COMMENT = re.compile(r", job (?P<job>[A-Za-z0-9][A-Za-z0-9._-]{0,63}), run (?P<run>\S+)\Z")
"""The end of the comments that plans give their archives; before it stands a VM's name, which may hold anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How the repository was opened: what takes the place of what archives don't keep, or of what holds no more."""

    repository: str
    passphrase: str | None
    passcommand: str | None
    ssh_command: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The configuration that one archive keeps; ``job`` made it, ``left_out`` are the keys that it does not hold."""

    archive: str
    created_at: str
    cluster: str
    job: str
    document: dict[str, Any]
    label: str | None
    """Of the repository, in that configuration; None: an archive of an older version doesn't say."""
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrapped:
    """A configuration: its text, the archives it is from, and what is to be seen to."""

    cluster: str
    text: str
    archives: tuple[str, ...]
    warnings: tuple[str, ...] = field(default=())


def settings(opening: Opening) -> BorgSettings:
    """Return how borg is run before there is a configuration."""
    return BorgSettings(
        executable="borg",
        passphrase=opening.passphrase,
        passcommand=opening.passcommand,
        lock_wait=60,
        umask=0o077,
        ssh_command=opening.ssh_command,
        base_directory=None,
        upload_rate_limit=None,
    )


def find(borg: UpkeepBorg, *, archive: str | None = None) -> tuple[Kept, ...]:
    """Return the configurations that a repository's archives keep: the newest of each job of each cluster, newest first.

    ``archive``: look into this one alone. Raises RepositoryRefused, or Refused if there is none, with the reason.
    """
    comments = borg.comments()
    path = borg.repository.path
    if archive is not None and archive not in comments:
        raise Refused(f"the repository {path} holds no archive {archive}", hint=f"borg list {path}")
    if not comments:
        raise Refused(f"the repository {path} holds no archives", hint="is it the right one?")
    wanted = comments if archive is None else {archive: comments[archive]}
    names = _one_a_run(wanted)
    if not names:
        raise Refused(
            f"none of the {len(comments)} archives in {path} is borg-cluster's",
            hint="is it the right one? begin anew with: borg-cluster config generate",
        )
    found: dict[tuple[str, str], Kept] = {}
    for name in names:
        kept = _read(borg, name)
        if kept is not None:
            found.setdefault((kept.cluster, kept.job), kept)
    if not found:
        raise Refused(
            f"no archive in {path} keeps a configuration that can be read: {names[0]} is the newest of borg-cluster's",
            hint="an older version made them; begin anew with borg-cluster config generate, then restore from them as ever",
        )
    return tuple(sorted(found.values(), key=lambda kept: kept.created_at, reverse=True))


def _one_a_run(comments: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of one archive of ours for each job and run that made the newest of a series, newest first."""
    series: set[str] = set()
    names: dict[tuple[str, str], str] = {}
    for name, comment in reversed(tuple(comments.items())):
        match = _COMMENT.search(comment)
        one_of = _TIME.sub("", name)
        if match is not None and one_of not in series:
            series.add(one_of)
            names.setdefault((match["job"], match["run"]), name)
    return tuple(names.values())


def _read(borg: UpkeepBorg, archive: str) -> Kept | None:
    """Return the configuration of one archive; None if it keeps none that can be read."""
    try:
        manifest = manifest_from_json(borg.read_file(archive, MANIFEST_NOTE))
        text = borg.read_file(archive, CONFIGURATION_NOTE).decode()
    except (BorgFailed, ValueError):
        return None
    try:
        config.check(text, name=archive)
    except ConfigError:
        return None
    read = document.parse(text, name=archive)
    return Kept(
        archive=archive,
        created_at=manifest.created_at,
        cluster=manifest.cluster,
        job=manifest.job,
        document=cast("dict[str, Any]", read.value),
        label=written.label_of(text),
        left_out=written.left_out(text),
    )


def clusters(found: tuple[Kept, ...]) -> tuple[str, ...]:
    """Return the clusters whose archives were found."""
    return tuple(dict.fromkeys(kept.cluster for kept in found))


def compose(found: tuple[Kept, ...], cluster: str, opening: Opening) -> Bootstrapped:
    """Return the configuration of one cluster: the newest that is kept, with the jobs that only others of the archives know."""
    kept = tuple(one for one in found if one.cluster == cluster)
    newest = kept[0]
    made = _copy(newest.document)
    warnings: list[str] = []
    used = [newest]
    for other in kept[1:]:
        if other.job not in made.get("jobs", {}) and other.job in other.document.get("jobs", {}):
            _take_job(made, other)
            used.append(other)
            warnings.append(
                f"the job {other.job} is not in the newest configuration; it is from {other.archive}: remove it if it is over"
            )
    warnings += _open(made, newest, opening)
    hooks = made.pop("commands", None) or []
    if hooks:
        warnings.append(f"{len(hooks)} command hooks were left out, since archives keep no command lines: write them again")
    head = [f"# Made by `borg-cluster config bootstrap {opening.repository}`", *(f"# from {one.archive}" for one in used)]
    text = "\n".join((*head, written.render(made))) + "".join(_commented(hooks))
    return Bootstrapped(cluster=cluster, text=text, archives=tuple(one.archive for one in used), warnings=tuple(warnings))


def _copy(value: Any) -> Any:  # noqa: ANN401 - plain values of any depth
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _take_job(made: dict[str, Any], other: Kept) -> None:
    """Add another configuration's job, and its repositories where that has none of this name."""
    job = _copy(other.document["jobs"][other.job])
    theirs = other.document.get("repositories") or []
    ours = made.setdefault("repositories", [])
    before = [_label(one) for one in ours]
    if not job.get("repository") and not job.get("repositories") and theirs:
        job["repository"] = _label(theirs[0])
    globs = [*(job.get("repositories") or []), *([job["repository"]] if job.get("repository") else [])]
    ours += [_copy(one) for one in theirs if _label(one) not in before and any(fits(str(glob), _label(one)) for glob in globs)]
    for one in made.setdefault("jobs", {}).values():
        if before and one.get("kind") != "discovery" and not one.get("repository") and not one.get("repositories"):
            one["repository"] = before[0]  # it was the only one
    made["jobs"][other.job] = job


def _label(repository: Mapping[str, Any]) -> str:
    return str(repository.get("label") or repository.get("path"))


def _open(made: dict[str, Any], newest: Kept, opening: Opening) -> list[str]:
    """Let the configuration open the repository as it was opened just now; return what is still to be seen to."""
    told = _put_repository(made, newest, opening)
    if opening.passphrase is not None or opening.passcommand is not None:
        for key in ("encryption_passphrase", "encryption_passcommand"):
            made.pop(key, None)
        key, value = (
            ("encryption_passcommand", opening.passcommand)
            if opening.passcommand
            else ("encryption_passphrase", opening.passphrase)
        )
        made[key] = value
    borg = made.setdefault("borg", {})
    if opening.ssh_command is not None:
        borg["ssh_command"] = opening.ssh_command
    elif "borg.ssh_command" in newest.left_out:
        told.append("borg: ssh_command: was left out, since archives keep no command lines: write it again")
    program = borg.get("executable")
    if program and not Path(find_borg(str(program))).exists():
        told.append(f"borg: executable: {program} is not there: the one that is installed beside borg-cluster is used")
        borg.pop("executable")
    if not borg:
        made.pop("borg")
    if not {"encryption_passphrase", "encryption_passcommand"} & made.keys() and "encryption_passcommand" in newest.left_out:
        told.append("encryption_passcommand: was left out, since archives keep no command lines: write it again")
    return told


def _put_repository(made: dict[str, Any], newest: Kept, opening: Opening) -> list[str]:
    """Name the repository where it is; return what is to be known of that."""
    job = (made.get("jobs") or {}).get(newest.job) or {}
    ours = made.setdefault("repositories", [])
    label = newest.label or job.get("repository") or (_label(ours[0]) if len(ours) == 1 else None)
    mine = next((one for one in ours if one.get("path") == opening.repository), None)
    mine = mine or next((one for one in ours if label is not None and _label(one) == label), None)
    if mine is None and ours:
        return [f"the repositories are {', '.join(_label(one) for one in ours)}: say which of them {opening.repository} is"]
    if mine is None:
        ours.append({"path": opening.repository, "label": str(label or "main")})
        return []
    was = mine.get("path")
    mine.update(path=opening.repository, label=_label(mine))
    return [] if was == opening.repository else [f"the repository {_label(mine)} was at {was}; it is at {opening.repository} now"]


def _commented(hooks: list[dict[str, Any]]) -> Iterator[str]:
    if hooks:
        yield "\n# Here stood, without their lines:\n"
        yield from (f"# {line}\n" for line in written.render({"commands": hooks}).splitlines())
