"""PowerShell Remoting: open a session on a node, invoke a command by its name and parameters.

This package knows PSRP over WSMan, not Hyper-V. It makes no text that runs there: the only text it ever sends, where a site wants
that, is the module's own files. All that can stand between here and a command's answer is a :class:`RemotingError` with one line
for people.
"""

from borg_cluster.remoting.connection import address_of
from borg_cluster.remoting.failure import Kind, RemotingError
from borg_cluster.remoting.session import Parameter, Session, open_session

__all__ = ["Kind", "Parameter", "RemotingError", "Session", "address_of", "open_session"]
