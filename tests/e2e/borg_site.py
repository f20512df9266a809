"""A real Borg repository in a temporary folder, for end-to-end tests."""

from dataclasses import dataclass, replace
from pathlib import Path

from borg_cluster.borg import Borg
from borg_cluster.core.policy import BorgSettings, Repository

PASSPHRASE = "correct {horse} $(battery) ö"


@dataclass(frozen=True, slots=True, kw_only=True)
class BorgSite:
    """Where the repository is, how borg is run, and the open repository."""

    folder: Path
    settings: BorgSettings
    repository: Repository
    borg: Borg

    def again(self, **changes: object) -> Borg:
        """Return the repository opened with other settings."""
        return open_borg(replace(self.settings, **changes), self.repository)  # type: ignore[arg-type] # keys are the settings' own


def open_borg(settings: BorgSettings, repository: Repository) -> Borg:
    return Borg(settings, repository, secret={"right": PASSPHRASE, "wrong": "wrong"}.__getitem__)


def make_site(folder: Path, *, encryption: str = "none") -> BorgSite:
    """Make a repository below ``folder``; with encryption its passphrase is the secret 'right'."""
    folder.mkdir(exist_ok=True)
    settings = BorgSettings(
        executable="borg",
        passphrase=None if encryption == "none" else "right",
        passcommand=None,
        lock_wait=0,
        umask=0o077,
        ssh_command=None,
        base_directory=str(folder / "base"),
        upload_rate_limit=None,
    )
    repository = Repository(path=str(folder / "repository"), label="main")
    borg = open_borg(settings, repository)
    borg.init(encryption=encryption)
    return BorgSite(folder=folder, settings=settings, repository=repository, borg=borg)


def write(path: Path, content: bytes = b"content") -> Path:
    """Write a file, its folders included; return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
