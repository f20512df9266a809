"""What the lane tells at its end: how many kills there were, and the table of outcomes as a Markdown file."""

import os
import sys
from pathlib import Path

import pytest

TABLE = Path(os.environ.get("BORG_CLUSTER_FAULT_TABLE") or Path(sys.prefix) / "lanes" / "fault-table.md")
_HEADS = {
    "fault": "Fault | Phase | Outcome | Exit code | What the user reads",
    "kill": "Kill | Exit code of the next run | What it said, or what was wrong",
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the table out of what the tests recorded, and say where it is."""
    reports = [one for kind in ("passed", "failed") for one in terminalreporter.stats.get(kind, []) if one.when == "call"]
    rows = {kind: [str(value) for one in reports for name, value in one.user_properties if name == kind] for kind in _HEADS}
    kills = [one for one in reports if any(name == "kill" for name, _ in one.user_properties)]
    if kills:
        red = sum(one.failed for one in kills)
        terminalreporter.write_line(f"{len(kills)} kills, {red} red")
    if not any(rows.values()):
        return
    text = ["# Faults and their outcomes, as the lane saw them", ""]
    for kind, head in _HEADS.items():
        if rows[kind]:
            text += [f"| {head} |", "|" + "---|" * (head.count("|") + 1), *(f"| {row} |" for row in sorted(rows[kind])), ""]
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text("\n".join(text), encoding="utf-8")
    terminalreporter.write_line(f"table of outcomes: {TABLE}")
