"""Golden files: reviewable text that a test compares with; UPDATE_GOLDEN=1 writes them anew."""

import os
from pathlib import Path

FOLDER = Path(__file__).parent


def check(name: str, text: str) -> None:
    """Compare text with the golden file of that name (a path below this folder), or write it if UPDATE_GOLDEN=1."""
    path = FOLDER / name
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.exists(), f"{path} is missing: run with UPDATE_GOLDEN=1 and look at what it writes"
    assert text == path.read_text(encoding="utf-8"), f"{path} differs: look, then run with UPDATE_GOLDEN=1 if it's meant"
