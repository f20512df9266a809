"""Programs that kill themselves at a counted event: run as ``python killing.py SPEC ARGUMENTS...`` in place of borg-cluster.

``SPEC`` is JSON: ``at`` which event, ``number`` the how manieth, ``fired`` the file that is written just before, so that a test
knows that it happened. borg is killed by the script that ``BORG`` is made of, which finds what it shall do in a file beside it;
or it waits there, at a counted chunk of its read, until the test has done something to the world.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from borg_cluster.catalog.connection import Connected
from borg_cluster.cli import main, sinks
from borg_cluster.run_record import RunRecord

BORG = '''#!{python}
"""borg, which may kill itself: see tests/e2e/killing.py."""
import json, os, signal, sys
from pathlib import Path
from borg.archiver import main
from borg.repository import Repository

PLAN = Path(__file__).with_name("kill.json")

def armed(plan):
    real = getattr(Repository, plan["at"])
    count = 0
    def counted(*arguments, **options):
        nonlocal count
        count += 1
        if count == plan["number"] and not plan["after"]:
            kill(plan)
        result = real(*arguments, **options)
        if count == plan["number"]:
            kill(plan)
        return result
    setattr(Repository, plan["at"], counted)

def kill(plan):
    PLAN.unlink(missing_ok=True)
    Path(plan["fired"]).write_text(str(plan["number"]))
    if "meet" in plan: # wait until the test has done what it wants to do meanwhile
        Path(plan["meet"] + ".asked").write_text("now")
        Path(plan["meet"] + ".answered").read_text()
        del plan["meet"]
        plan["number"] = plan["then"]
        return
    if plan["both"]:
        os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    if PLAN.exists():
        plan = json.loads(PLAN.read_text())
        if plan["command"] in sys.argv:
            armed(plan)
    sys.exit(main())
'''


class Counter:
    """Kills this process at one event."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.at = spec["at"]
        self._left = spec["number"]
        self._fired = Path(spec["fired"])

    def is_now(self, at: str) -> bool:
        """Count an event; return whether it is the one."""
        if at == self.at:
            self._left -= 1
        return bool(at == self.at and self._left == 0)

    def kill(self) -> None:
        """End this process as nothing else does."""
        self._fired.write_text(self.at, encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)


def arm(counter: Counter) -> None:
    """Let the counter see the lines of the log, the lines of the run's record, and the catalog's transactions."""
    write_line, write, transaction = sinks.write_json_line, RunRecord._write, Connected._transaction

    def lines(*arguments: Any, **options: Any) -> None:
        write_line(*arguments, **options)
        if counter.is_now("line"):
            counter.kill()

    def records(record: RunRecord, kind: str, fields: dict[str, Any]) -> None:
        if counter.is_now("torn record"):
            text = json.dumps({"kind": kind, **fields})
            record._file.write(text[: len(text) // 2])
            record._file.flush()
            os.fsync(record._file.fileno())
            counter.kill()
        write(record, kind, fields)
        if counter.is_now("record"):
            counter.kill()

    @contextmanager
    def transactions(catalog: Connected) -> Iterator[None]:
        with transaction(catalog):
            yield
            if counter.is_now("half transaction"):
                counter.kill()
        if counter.is_now("transaction"):
            counter.kill()

    patch: Callable[..., None] = setattr
    patch(sinks, "write_json_line", lines)
    patch(RunRecord, "_write", records)
    patch(Connected, "_transaction", transactions)


if __name__ == "__main__":
    arm(Counter(json.loads(sys.argv[1])))
    sys.argv = ["borg-cluster", *sys.argv[2:]]
    main()
