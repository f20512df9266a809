"""Secrets from files, systemd, the environment, a keyring or a terminal, so that none stands in the configuration."""

import getpass
import importlib
import logging
import os
import re
import stat
import sys
from pathlib import Path

from borg_cluster.errors import UsageError
from borg_cluster.hookspecs import hookimpl

_FORMS = re.compile(r"\{\s*(?P<kind>credential\s+file|credential\s+systemd|env|keyring|terminal)\s+(?P<name>.+?)\s*\}")
_log = logging.getLogger(__name__)


@hookimpl
def get_secret(reference: str) -> str | None:
    """Resolve '{credential file PATH}', '{credential systemd NAME}', '{env NAME}' and '{keyring SERVICE USER}'.

    '{terminal USER}' is what the bridge asks with when the configuration names a user and no password. A file's one trailing
    newline is not part of the secret. Returns None for what others may know; raises UsageError if the secret is not there.
    """
    form = _FORMS.fullmatch(reference)
    if form is None:
        return None
    sources = {
        "file": lambda name: _from_file(Path(name).expanduser()),
        "systemd": _from_systemd,
        "env": _from_environment,
        "keyring": _from_keyring,
        "terminal": _from_terminal,
    }
    return sources[form["kind"].split()[-1]](form["name"])


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


def _from_keyring(name: str) -> str:
    """Ask the keyring of whoever runs this; the package is a choice of the site's, not a requirement."""
    reference = f"{{keyring {name}}}"
    service, _, user = name.partition(" ")
    try:
        # by name, because it is not among our requirements
        keyring = importlib.import_module("keyring")
        errors = importlib.import_module("keyring.errors")
    except ImportError as error:
        hint = "pip install keyring where borg-cluster is installed, or use {credential file PATH}"
        raise UsageError(f"the secret {reference} can't be read: the package keyring is not installed", hint=hint) from error
    try:
        found: str | None = keyring.get_password(service, user.strip())
    except errors.KeyringError as error:
        raise UsageError(f"the secret {reference} can't be read: {' '.join(str(error).split())}") from error
    if not found:
        raise UsageError(f"the secret {reference} is not in the keyring", hint=f"keyring set {name}")
    return found


def _from_terminal(name: str) -> str:
    """Ask whoever sits there. What they type stays in this process."""
    if not sys.stdin.isatty():
        raise UsageError(
            f"there is no password for {name}, and no terminal to ask at",
            hint="remoting: password: '{credential file PATH}', or another reference to it",
        )
    try:
        secret = getpass.getpass(f"Password for {name}: ")
    except EOFError as error:
        raise UsageError(f"no password for {name} was typed") from error
    if not secret:
        raise UsageError(f"no password for {name} was typed")
    return secret
