"""What other people's code may take part in. Few hooks, of four kinds.

=============  ==============  ===============================================================================================
kind           hooks           what an exception does
=============  ==============  ===============================================================================================
provider       get_secret      the run ends with that error: what was asked for can't be had
               open_source     the archive fails, the others go on
gate           before_create   nothing is started; ``Veto`` is a plain no, anything else counts as a no that names the plugin
               before_extract  as before_create
observer       on_event        it becomes a warning; a run is never broken by who watches it
registration   add_commands    borg-cluster does not start
=============  ==============  ===============================================================================================

A plugin marks its functions with ``@hookimpl`` and takes as many of the arguments as it needs.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import click
import pluggy

from borg_cluster.core.backup_plan import BackupPlan
from borg_cluster.core.event import Event
from borg_cluster.core.planned import PlannedArchive
from borg_cluster.core.restore_plan import RestorePlan

PROJECT = "borg_cluster"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Veto(Exception):
    """A gate's no. ``reason`` is shown to people after the plugin's name: 'maintenance until 06:00'."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@hookspec(firstresult=True)
def get_secret(reference: str) -> str | None:
    """Return the secret that ``reference`` stands for ('{credential file /etc/borg-cluster/pass}'), or None: not mine.

    Provider. Asked when the secret is needed, not before. The first answer counts; the site's plugins are asked first.
    """


@hookspec(firstresult=True)
def open_source(archive: PlannedArchive, owner: Callable[[], str | None]) -> AbstractContextManager[PlannedArchive] | None:
    """Return a context that yields ``archive`` with the local paths where Borg shall read it, or None: not mine.

    Provider, called once an archive. What it yields is valid inside the ``with``, and ends with it: a snapshot is opened and
    closed here. ``archive_path`` of the files stays as planned; ``consistency`` says what was really reached. ``owner()`` asks
    the cluster which node owns the VM now (None for a volume, or if no node has it).
    """


@hookspec
def before_create(plan: BackupPlan) -> None:
    """Raise Veto if this backup shall not run.

    Gate. All plugins are asked once, after planning and before anything is started.
    """


@hookspec
def before_extract(plan: RestorePlan) -> None:
    """Raise Veto if this restore shall not run.

    Gate. All plugins are asked once, after planning and before anything is started; not for ``resume`` and ``undo``, which end
    what was begun.
    """


@hookspec
def on_event(event: Event) -> None:
    """See what happens, while it happens.

    Observer. Called for each event, Progress among them, in the run's own thread: be quick.
    """


@hookspec
def add_commands(cli: click.Group) -> None:
    """Add commands to ``borg-cluster``: ``cli.add_command(mine)``.

    Registration. Called once, when the program starts.
    """
