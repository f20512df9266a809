"""The module's own files, for a session on a node where it isn't installed.

They are sent as they are, and they are the only text that ever is: each file defines one function in the session's runspace, the
private ones first, and ends with the session. No text is made here.
"""

from functools import cache
from pathlib import Path

from borg_cluster.shipped import shipped

_FOLDERS = ("Private", "Public")


@cache
def module_texts(folder: Path | None = None) -> tuple[str, ...]:
    """Return the text of each function of the module in ``folder`` (None: the one that ships with this installation)."""
    module = folder or shipped("powershell") / "BorgCluster"
    # a byte order mark says how a file is encoded; it's no part of its text
    return tuple(file.read_text(encoding="utf-8-sig") for name in _FOLDERS for file in sorted((module / name).glob("*.ps1")))
