"""Hyper-V, spoken in our terms: one method for each command of the PowerShell module.

Every method asks one node one question over a session that nobody else uses meanwhile, so that methods may be called from many
threads at once. It returns the decoded answer, or :class:`Lost` if the node can't give one: the verb then discovers again and
asks the new owner. After a lost connection a change has an unknown outcome, and that is ``Lost`` too: look again, never send it
again blindly. A node that carried the command out and reported an error record raises
:class:`~borg_cluster.errors.CommandFailed`. The bridge never chooses a node and never retries.

VM ids are lower-case GUIDs without braces; paths are Windows' own text; timeouts are seconds.
"""

from borg_cluster.bridge.answers import ANSWERS, Lost, decode, schemas
from borg_cluster.bridge.restoring import Restoring

__all__ = ["ANSWERS", "Bridge", "Lost", "decode", "schemas"]


class Bridge(Restoring):
    """Every command, as one method each; see :class:`~borg_cluster.bridge.asking.Asking` for how it is made."""
