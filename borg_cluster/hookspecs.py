"""What other people's code may take part in. Few hooks, of five kinds.

=============  ==============  ==========================  ===================================================================
kind           hook            moment                      what an exception does (or a hang, or a wrong answer)
=============  ==============  ==========================  ===================================================================
provider       get_secret      when a secret is needed     the next plugin is asked; if none tells it, the run ends with the
                                                           first plugin's error
               open_source     before an archive is read   the next plugin is asked; if none opens it, the files are read
                                                           where they are mounted, and the archive says so
               open_target     before a restore's files are    the next plugin is asked; if none opens it, the files are
                               extracted                   written where the volume is mounted, with a warning
               run_job         before an archive is made   no other is asked: this process makes the archive, which says so
gate           before_create   after planning a backup     a warning, and the backup begins: only ``Veto`` is a no
               before_extract  after planning a restore    it counts as a no that names the plugin, as ``Veto`` does
selector       select_vm       when a backup is planned    the next plugin is asked, and a warning; if none knows, the job's
                                                           own conditions decide
observer       on_event        whenever something happens  a warning; a run is never broken by who watches it
registration   add_commands    when the program starts     a warning; the command is missing, the others are not
=============  ==============  ==========================  ===================================================================

A plugin that does not load or does not fit is left out, with a warning; ``borg-cluster plugins`` says why. One that gives no
answer within ``plugins: patience`` seconds is left alone, and not asked again by that process.

A plugin marks its functions with ``@hookimpl`` and takes as many of the arguments as it needs.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import click
import pluggy

from borg_cluster.borg_process import Call, Ended
from borg_cluster.core.backup_plan import BackupPlan
from borg_cluster.core.event import Event
from borg_cluster.core.inventory import VirtualMachine
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
def select_vm(vm: VirtualMachine, job: str) -> bool | None:
    """Return whether ``job`` (its name) wants a VM, or None: what the job's ``select:`` says.

    Selector. Asked for each VM and each job of VMs, whenever a plan is made, and for ``status``: answer at once, and the same way
    each time. The first answer counts, over all conditions; what can't be saved truthfully is refused all the same.
    """


@hookspec(firstresult=True)
def open_source(archive: PlannedArchive, owner: Callable[[], str | None]) -> AbstractContextManager[PlannedArchive] | None:
    """Return a context that yields ``archive`` with the local paths where Borg shall read it, or None: not mine.

    Provider, called once an archive, for several archives at the same time. What it yields is valid inside the ``with``, and ends
    with it: a snapshot is opened and closed here. Subject, names in the archive and their order stay as planned; ``consistency``
    says what was really reached. ``owner()`` asks the cluster which node owns the VM now (None for a volume, or if no node has
    it). What fails on the way out is a warning: the archive was read before.
    """


@hookspec(firstresult=True)
def open_target(folder: Path) -> AbstractContextManager[Path] | None:
    """Return a context that yields another path of ``folder``, where the files of a restore shall be written, or None: not mine.

    Provider, called once a volume, for a folder below where that is mounted (it need not exist yet): a share that is mounted
    writable for the time of a restore. What it yields is valid inside the ``with`` and ends as ``folder`` does, in its last two
    parts: it is emptied before. If it isn't the same folder, or can't be written to, the files are written to ``folder``
    itself, with a warning. Before the virtual machine is touched, all of it is proven there and by Windows, whoever wrote it.
    Files of a volume's archive (``extract --volume``) are as well, and then renamed to their places. Not asked for ``--to DIR``:
    that folder is this machine's, and meant as it is typed.
    """


@hookspec(firstresult=True)
def run_job(archive: PlannedArchive, call: Call, alive: Callable[[int], None]) -> Ended | None:
    """Run ``call``, which makes a planned archive, and return how borg ended, or None: not mine, this process may do it.

    Provider, called once an archive, for several at the same time: an engine's worker may do it, wherever it sees the same paths
    and the same repository. ``call.arguments`` is borg's command line, to be run with ``call.environment``, ``call.stdin``, and
    ``call.passphrase`` (None: not needed) through BORG_PASSPHRASE_FD; never write it down. Borg hides the name that it writes to.

    Say ``alive(bytes read so far)`` within each ``plugins: patience`` seconds: who is silent for longer is given up, and is told
    so by an exception of ``alive``; then end borg. The answer is no proof: the archive is looked up in the repository and held
    against the plan. If it isn't there, or not as planned, this process makes it. Changed blocks are not used: all is read.
    """


@hookspec
def before_create(plan: BackupPlan) -> None:
    """Raise Veto if this backup shall not run.

    Gate; what it returns means nothing. All plugins are asked once, after planning and before anything is started.
    """


@hookspec
def before_extract(plan: RestorePlan) -> None:
    """Raise Veto if this restore shall not run.

    Gate; what it returns means nothing. All plugins are asked once, after planning and before anything is started; not for
    ``resume`` and ``undo``, which end what was begun.
    """


@hookspec
def on_event(event: Event) -> None:
    """See what happens, while it happens.

    Observer. Called for each event, Progress among them, one after the other, and the run waits meanwhile: be quick.
    """


@hookspec
def add_commands(cli: click.Group) -> None:
    """Add commands to ``borg-cluster``: ``cli.add_command(mine)``.

    Registration. Called once, when the program starts. Commands that are there already stay what they are.
    """
