"""A standard Borg archive made from an earlier one and the blocks that changed since.

``borg create`` reads each disk as a whole, since its time stamp changed. Here Borg 1.4's own create runs in a child process
(``__main__``) with one class swapped: of the disks whose changes Windows told, only what may have changed is read, and the rest
is referenced from the base archive. The archive is Borg's own in every way.
"""

import sys

from borg_cluster.changed_blocks.request import ASK, ASKED, TOLD, Base, Disk, DiskOutcome, Request, dump_request, load_outcome

__all__ = ["ASK", "ASKED", "PROGRAM", "TOLD", "Base", "Disk", "DiskOutcome", "Request", "dump_request", "load_outcome"]

PROGRAM = (sys.executable, "-P", "-m", "borg_cluster.changed_blocks")
"""What is run in place of ``borg``; the file of the request follows, then Borg's arguments."""
