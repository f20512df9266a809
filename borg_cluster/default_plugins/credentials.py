"""Secrets from files, from systemd and from the environment, so that none stands in the configuration."""

import logging
import os
import re
import stat
from pathlib import Path

from borg_cluster.errors import UsageError
from borg_cluster.hookspecs import hookimpl

_FORMS = re.compile(r"\{\s*(?:credential\s+(?P<kind>file|systemd)|(?P<env>env))\s+(?P<name>.+?)\s*\}")
_log = logging.getLogger(__name__)


@hookimpl
def get_secret(reference: str) -> str | None:
    """Resolve '{credential file PATH}', '{credential systemd NAME}' and '{env NAME}'; leave the rest to others.

    A file's one trailing newline is not part of the secret. Raises UsageError if the secret is not there.
    """
    form = _FORMS.fullmatch(reference)
    if form is None:
        return None
    if form["env"]:
        return _from_environment(form["name"])
    if form["kind"] == "systemd":
        return _from_systemd(form["name"])
    return _from_file(Path(form["name"]).expanduser())


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise UsageError(f"the secret {{env {name}}} is not set", hint=f"export {name}=... where borg-cluster is started")
    return value


def _from_systemd(name: str) -> str:
    """Read a credential that systemd passed to this service (LoadCredential=, LoadCredentialEncrypted=)."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise UsageError(
            f"the secret {{credential systemd {name}}} can't be read: systemd gave this process no credentials",
            hint=f"run it as a service with LoadCredential={name}:/path, or use {{credential file PATH}}",
        )
    if "/" in name or name in {".", ".."}:
        raise UsageError(f"'{name}' is not the name of a systemd credential", hint="it may hold no slash")
    return _from_file(Path(folder) / name)


def _from_file(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"the secret file {path} can't be read: {reason}") from error
    if mode & stat.S_IROTH:
        _log.warning("everybody on this machine can read the secret file %s (chmod o-r it)", path)
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise UsageError(f"the secret file {path} is empty")
    return secret
