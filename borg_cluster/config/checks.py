"""What is wrong between keys: each alone is right, together they can't be meant.

The checks read the plain values, not the validated ones, so that one run tells of these and of wrong values together; a value
of a wrong kind is simply not looked at.
"""

import difflib
import fnmatch
from collections.abc import Iterator
from typing import Any

from borg_cluster.config import words
from borg_cluster.config.document import Document, KeyPath
from borg_cluster.core.inventory import path_key

_Mapping = dict[str, object]


def check(document: Document) -> None:
    """Add a complaint for each contradiction."""
    if not isinstance(document.value, dict):
        return
    _check_login(document)
    _check_timeouts(document)
    _check_mounts(document)
    _check_repositories(document)
    _check_jobs(document)
    _check_list(document, ("guest_storage",), _list(document.value, "guest_storage"))
    _check_commands(document)
    _check_checks(document)
    if _given(document.value, "encryption_passphrase") and _given(document.value, "encryption_passcommand"):
        document.complain(
            document.place(("encryption_passcommand",), of_key=True), "encryption_passphrase and encryption_passcommand: only one"
        )


def _check_login(document: Document) -> None:
    remoting = _mapping(document.value, "remoting")
    auth = remoting.get("auth", "kerberos")
    needed = {"basic": "username", "ntlm": "username", "credssp": "username", "certificate": "certificate"}.get(str(auth))
    if needed is not None and not _given(remoting, needed):
        document.complain(document.place(("remoting", "auth")), f"auth {auth} needs {needed}")
    elif auth != "certificate" and _given(remoting, "password") and not _given(remoting, "username"):
        document.complain(document.place(("remoting", "password"), of_key=True), "a password without a username")
    for key in ("username",) if auth == "certificate" else ("certificate", "certificate_key"):
        if _given(remoting, key):
            document.complain(document.place(("remoting", key), of_key=True), f"'{key}' has no meaning with auth {auth}")


def _check_timeouts(document: Document) -> None:
    remoting = _mapping(document.value, "remoting")
    read, operation = remoting.get("read_timeout", 60), remoting.get("operation_timeout", 20)
    if isinstance(read, int) and isinstance(operation, int) and read <= operation:
        key = "read_timeout" if "read_timeout" in remoting else "operation_timeout"
        document.complain(
            document.place(("remoting", key)),
            f"read_timeout ({read}) must be more than operation_timeout ({operation})",
            "else each long command looks like a dead node",
        )


def _check_mounts(document: Document) -> None:
    names: dict[str, str] = {}
    prefixes: dict[tuple[str, str], str] = {}
    paths: dict[str, str] = {}
    for path, mount in _items(document, "mounts"):
        windows, node = _windows_path(mount.get("windows")), mount.get("node")
        if windows is None:
            continue
        place = document.place((*path, "windows"))
        _check_node_of(document, path, windows, node)
        name = str(mount.get("name") or words.default_mount_name(windows))
        named = document.place((*path, "name" if mount.get("name") else "windows"))
        same_name = f"two mounts have the name '{name}' in archives"
        _once(document, names, name.lower(), named, same_name, hint="give each a `name:` of its own")
        _once(document, prefixes, (path_key(windows), str(node or "*").lower()), place, f"{windows} is mapped twice")
        _once(document, paths, str(mount.get("path")).rstrip("/"), document.place((*path, "path")), "two mounts at one place")


def _windows_path(value: object) -> str | None:
    """Return a mount's Windows path, normalised; None if it is none, which is told elsewhere."""
    try:
        return words.parse_windows_path(value) if isinstance(value, str) else None
    except words.Wrong:
        return None


def _check_node_of(document: Document, path: KeyPath, windows: str, node: object) -> None:
    """A node's own disk is another one on each node; a cluster volume or a share is the same on all."""
    if words.is_cluster_wide(windows):
        if node is not None:
            document.complain(document.place((*path, "node")), f"all nodes reach {windows}", "leave `node:` out")
    elif node is None:
        document.complain(
            document.place((*path, "windows")),
            f"{windows} is another disk on each node: `node:` is missing",
            "name the node, or write node: '*' for a clustered disk that moves between them",
        )


def _check_repositories(document: Document) -> None:
    labels: dict[str, str] = {}
    paths: dict[str, str] = {}
    for path, repository in _items(document, "repositories"):
        location = str(repository.get("path"))
        _once(document, paths, location, document.place((*path, "path")), f"the repository {location} is there twice")
        label = str(repository.get("label") or location)
        _once(document, labels, label, document.place((*path, "label")), f"two repositories have the label '{label}'")


def _check_jobs(document: Document) -> None:
    labels = [str(item.get("label") or item.get("path")) for _, item in _items(document, "repositories")]
    for name, job in _mapping(document.value, "jobs").items():
        if isinstance(job, dict):
            path: KeyPath = ("jobs", name)
            _check_repository_of(document, path, job, labels)
            _check_kind(document, path, job)
            _check_volumes(document, path, job)
            _check_conditions(document, path, job)


def _check_repository_of(document: Document, path: KeyPath, job: _Mapping, labels: list[str]) -> None:
    label = job.get("repository")
    if not _listed(document, "repositories") or job.get("kind") == "discovery":
        return
    if job.get("repositories") or job.get("assign"):
        _check_shared_out(document, path, job, labels)
    elif label is None:
        if len(labels) != 1:
            message = f"'{path[-1]}' must say which repository" if labels else "there is no repository for this job"
            hint = f"there are: {', '.join(labels)}; or share it out among them: repositories: ['*']" if labels else None
            document.complain(document.place(path, of_key=True), message, hint)
    elif str(label) not in labels and not isinstance(label, dict | list):
        near = difflib.get_close_matches(str(label), labels, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(labels) or 'none'}"
        document.complain(document.place((*path, "repository")), f"there is no repository '{label}'", hint)


def _check_shared_out(document: Document, path: KeyPath, job: _Mapping, labels: list[str]) -> None:
    """Complain about a job of several repositories that also names one, and about globs and rules that lead nowhere."""
    globs = [str(glob) for glob in _list(job, "repositories") if isinstance(glob, str | int)]
    if _given(job, "repository"):
        document.complain(document.place((*path, "repository"), of_key=True), "'repository' and 'repositories': only one")
    if not globs:
        message = "'assign' shares out among 'repositories', and there are none"
        document.complain(document.place((*path, "assign"), of_key=True), message, "such as repositories: ['*']")
    for index, glob in enumerate(globs):
        if not any(words.fits(glob, label) for label in labels):
            place = document.place((*path, "repositories", index))
            document.complain(place, f"no repository is called '{glob}'", f"there are: {', '.join(labels) or 'none'}")
    chosen = [label for label in labels if any(words.fits(glob, label) for glob in globs)]
    for index, rule in enumerate(_list(job, "assign")):
        if isinstance(rule, dict):
            _check_rule(document, (*path, "assign", index), rule, chosen, kind=job.get("kind"))


def _check_rule(document: Document, path: KeyPath, rule: _Mapping, chosen: list[str], *, kind: object) -> None:
    label = rule.get("repository")
    if isinstance(label, str | int) and chosen and str(label) not in chosen:
        place = document.place((*path, "repository"))
        document.complain(place, f"'{label}' is none of the job's repositories", f"these are: {', '.join(chosen)}")
    condition = rule.keys() - {"repository"}
    if not condition:
        document.complain(document.place(path), "a rule without a condition holds for all", "say which, such as tag: gold")
    strange = sorted(str(key) for key in condition - {"volume"})
    if kind == "volumes" and strange:
        place = document.place((*path, strange[0]), of_key=True)
        document.complain(place, f"'{strange[0]}' has no meaning in a volumes job", "volume: alone has")


def _check_kind(document: Document, path: KeyPath, job: _Mapping) -> None:
    """Complain about the other kind's key: it would be read as a narrower choice than it is."""
    kind = str(job.get("kind"))
    foreign = {
        "virtual_machines": ("volumes",),
        "volumes": ("select", "consistency", "on_failure", "changed_blocks", "full_every", "verify_fraction"),
    }.get(kind, ())
    if kind == "discovery":
        foreign = tuple(str(key) for key in job if key not in {"kind", "frequency"})
    for strange in (key for key in foreign if key in job):
        document.complain(document.place((*path, strange), of_key=True), f"'{strange}' has no meaning in a {job['kind']} job")


def _check_volumes(document: Document, path: KeyPath, job: _Mapping) -> None:
    mounts = [
        str(mount.get("name") or words.default_mount_name(str(mount.get("windows", ""))))
        for _, mount in _items(document, "mounts")
    ]
    globs = job.get("volumes")
    for index, glob in enumerate(globs if isinstance(globs, list) else ()):
        if isinstance(glob, str) and not any(fnmatch.fnmatch(name.lower(), glob.lower()) for name in mounts):
            document.complain(
                document.place((*path, "volumes", index)),
                f"no mount is called '{glob}'",
                f"there are: {', '.join(mounts) or 'none'}",
            )


def _check_conditions(document: Document, path: KeyPath, job: _Mapping) -> None:
    select = _mapping(job, "select")
    for side in ("include", "exclude"):
        _check_list(document, (*path, "select", side), _list(select, side))


def _check_list(document: Document, path: KeyPath, conditions: list[object]) -> None:
    """Complain about a condition that says nothing: as an exclusion it would take every VM out."""
    for index, condition in enumerate(conditions):
        here = (*path, index)
        if condition == {}:
            document.complain(document.place(here), "an empty condition holds for every VM", "remove it, or say name: '*'")
        for key, value in condition.items() if isinstance(condition, dict) else ():
            if value is None:
                document.complain(
                    document.place((*here, key)), f"'{key}' is empty", "put quotes around a name that YAML reads as nothing"
                )


def _check_commands(document: Document) -> None:
    for path, command in _items(document, "commands"):
        moments = [moment for moment in ("before", "after") if _given(command, moment)]
        if len(moments) != 1:
            document.complain(document.place(path), "wants either 'before' or 'after'" + (", not both" if moments else ""))
        elif moments == ["before"] and command.get("states"):
            document.complain(document.place((*path, "states"), of_key=True), "'states' has no meaning before something has run")


def _check_checks(document: Document) -> None:
    names: dict[str, str] = {}
    for path, item in _items(document, "checks"):
        name = item.get("name")
        _once(document, names, name, document.place((*path, "name")), f"the check '{name}' is there twice")


def _once(document: Document, seen: dict[Any, str], key: object, place: str, message: str, *, hint: str | None = None) -> None:
    """Complain if ``key`` was seen before."""
    if key in seen:
        document.complain(place, f"{message}; first at {seen[key]}", hint)
    seen.setdefault(key, place)


def _listed(document: Document, key: str) -> bool:
    """Tell whether the value under ``key`` can be looked at: a list, or nothing."""
    found = document.value.get(key) if isinstance(document.value, dict) else None
    return found is None or isinstance(found, list)


def _given(mapping: _Mapping, key: str) -> bool:
    return mapping.get(key) is not None


def _mapping(mapping: object, key: str) -> _Mapping:
    """Return the mapping under ``key``, or an empty one if there's something else."""
    found = mapping.get(key) if isinstance(mapping, dict) else None
    return found if isinstance(found, dict) else {}


def _list(mapping: _Mapping, key: str) -> list[object]:
    found = mapping.get(key)
    return found if isinstance(found, list) else []


def _items(document: Document, key: str) -> Iterator[tuple[KeyPath, _Mapping]]:
    """Yield path and mapping of each item in the list under ``key``."""
    found = document.value.get(key) if isinstance(document.value, dict) else None
    for index, item in enumerate(found if isinstance(found, list) else ()):
        if isinstance(item, dict):
            yield (key, index), item
