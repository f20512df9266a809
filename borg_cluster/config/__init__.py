"""The configuration: YAML files in, Policy out, with file:line:column on every complaint and all complaints at once."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from borg_cluster.config import checks, complaints, document, keys, keys_beside, translate, written
from borg_cluster.config.keys import schema
from borg_cluster.core.policy import Policy
from borg_cluster.core.settings import EVERY_PLUGIN, PluginSettings
from borg_cluster.errors import Complaint, ConfigError, UsageError

__all__ = ["check", "files", "load", "load_all", "plugin_settings", "schema", "state_directory"]

DEFAULT_FILE = Path("/etc/borg-cluster/config.yaml")
DEFAULT_DIRECTORY = Path("/etc/borg-cluster.d")


def load(path: Path) -> Policy:
    """Return the policy of one file. Raises ConfigError with everything that is wrong in it."""
    return load_all((path,))[0]


def load_all(paths: Iterable[Path]) -> tuple[Policy, ...]:
    """Return one policy a file, in order. Raises ConfigError with everything that is wrong in any of them."""
    policies: list[Policy] = []
    found: list[Complaint] = []
    clusters: dict[str, Path] = {}
    for path in paths:
        policy, wrong = _load(path)
        found.extend(wrong)
        if policy is None:
            continue
        policies.append(policy)
        first = clusters.setdefault(policy.cluster.lower(), path)
        if first is not path:
            found.append(Complaint(place=f"{path}:1:1", message=f"the cluster {policy.cluster} is in {first} already"))
    if found:
        raise ConfigError(tuple(found))
    return tuple(policies)


def files(given: Path | None) -> tuple[Path, ...]:
    """Return the configuration files to load: ``given`` (a file, or a directory with ``*.yaml``), else the usual places.

    Raises ConfigError if there is none.
    """
    candidates = (given,) if given else (DEFAULT_FILE, DEFAULT_DIRECTORY)
    found: list[Path] = []
    for candidate in candidates:
        if candidate.is_dir():
            found.extend(sorted(candidate.glob("*.yaml")))
        elif given or candidate.exists():
            found.append(candidate)
    if not found:
        names = " or ".join(f"{path}/*.yaml" if path.is_dir() or path == DEFAULT_DIRECTORY else str(path) for path in candidates)
        hint = "begin with config/minimal.yaml of this installation, or say --config FILE"
        raise ConfigError((Complaint(place=names, message="no configuration there", hint=hint),))
    return tuple(found)


def plugin_settings(given: Path | None) -> PluginSettings:
    """Return what all configuration files together say of plugins; asked before anything else, so nothing in them is refused.

    A file that can't be used says nothing here: who loads it complains. With several files a plugin must be wanted by each.
    """
    settings = EVERY_PLUGIN
    try:
        paths = files(given)
    except ConfigError:
        return settings
    for path in paths:
        value = document.read(path).value
        try:
            found = keys_beside.PluginKeys.model_validate((value.get("plugins") if isinstance(value, dict) else None) or {})
        except ValidationError:
            continue
        only = None if found.only is None else tuple(found.only)
        if settings.only is not None:
            only = settings.only if only is None else tuple(name for name in only if name in settings.only)
        settings = PluginSettings(only=only, blocked=(*settings.blocked, *found.blocked), patience=found.patience)
    return settings


def state_directory(environ: Mapping[str, str]) -> Path:
    """Return the directory for the catalog, locks and journals, made with mode 0700 if it is not there.

    $STATE_DIRECTORY (its first, as systemd may list several), else /var/lib/borg-cluster for root, else
    $XDG_STATE_HOME/borg-cluster or ~/.local/state/borg-cluster. Raises UsageError if it can't be made.
    """
    given = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        path = Path(given)
    elif os.geteuid() == 0:
        path = Path("/var/lib/borg-cluster")
    else:
        path = Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "borg-cluster"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"can't make the state directory {path}: {error.strerror}", hint="set STATE_DIRECTORY") from error
    return path


def check(text: str, *, name: str) -> Policy:
    """Return the policy of a file's text; ``name`` for the complaints. Raises ConfigError as ``load``."""
    policy, wrong = _policy_of(document.parse(text, name=name))
    if policy is None:
        raise ConfigError(wrong)
    return policy


def _load(path: Path) -> tuple[Policy | None, tuple[Complaint, ...]]:
    return _policy_of(document.read(path))


def _policy_of(read: document.Document) -> tuple[Policy | None, tuple[Complaint, ...]]:
    if read.value is None and read.complaints:  # not even YAML
        return None, tuple(read.complaints)
    configuration = None
    try:
        configuration = keys.Configuration.model_validate(read.value)
    except ValidationError as error:
        for detail in error.errors():
            complaints.complain(read, detail)
    checks.check(read)
    if configuration is None or read.complaints:
        return None, tuple(sorted(read.complaints, key=_position))
    return replace(translate.policy_of(configuration), written=written.kept(read.value)), ()


def _position(complaint: Complaint) -> tuple[int, ...]:
    return tuple(int(part) for part in complaint.place.rsplit(":", 2)[1:] if part.isdigit())
