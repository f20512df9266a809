"""The child of changed blocks, which a signal meets at a counted event.

Run as ``python killing.py EVENT NUMBER SIGNAL REQUEST BORG-ARGUMENTS...``.
EVENT is a method of Borg, such as ``borg.repository:Repository.put`` or ``borg.cache:LocalCache.chunk_incref``. The file named by
KILLED in the environment is made when the signal is sent, so that a test knows that it was.
"""

import os
import signal
import sys
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from borg_cluster.changed_blocks.__main__ import main


def arm(event: str, number: int, name: str) -> None:
    """Let the signal come at that call."""
    module, _, path = event.partition(":")
    owner: Any = import_module(module)
    *between, method = path.split(".")
    for part in between:
        owner = getattr(owner, part)
    stock = getattr(owner, method)
    calls = count(1)

    def counted(*words: Any, **named: Any) -> Any:
        if next(calls) == number:
            Path(os.environ["KILLED"]).touch()
            os.kill(os.getpid(), signal.Signals[name])
        return stock(*words, **named)

    setattr(owner, method, counted)


if __name__ == "__main__":
    from borg_cluster.changed_blocks import guard

    guard.refusal = lambda: None  # it looks at the source of what is replaced here
    arm(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    main(sys.argv[4:])
