"""Where the files that ship beside the package lie: powershell/, hooks/ and config/."""

from pathlib import Path


def shipped(name: str) -> Path:
    """Return the folder ``name`` ('powershell', 'hooks' or 'config') that ships with this installation.

    In a wheel they lie in the package; in a checkout (an editable installation) beside it.
    """
    package = Path(__file__).parent
    inside = package / "share" / name
    return inside if inside.is_dir() else package.parent / name
