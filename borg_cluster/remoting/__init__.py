"""PowerShell Remoting: open a session on a node, invoke a command by its name and parameters.

This package knows PSRP over WSMan, not Hyper-V. It never sends script text. All that can stand between here and a command's
answer is a :class:`RemotingError` with one line for people.
"""

from borg_cluster.remoting.failure import Kind, RemotingError
from borg_cluster.remoting.session import Parameter, Session, address_of, open_session

__all__ = ["Kind", "Parameter", "RemotingError", "Session", "address_of", "open_session"]
