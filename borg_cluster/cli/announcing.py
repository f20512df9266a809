"""What `create` and `run` have in common: that a run begins and ends is told to plugins, and to the files of `monitoring:`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from borg_cluster import monitoring
from borg_cluster.catalog import Run
from borg_cluster.cli.failure import exit_code_of
from borg_cluster.cli.sinks import Tally
from borg_cluster.cli.site import Site
from borg_cluster.context import Context
from borg_cluster.core.event import RunFinished, RunStarted


@dataclass(slots=True, kw_only=True)
class Ending:
    """A run, and how it ended as soon as that is known."""

    context: Context
    verb: str
    run_id: str
    began: datetime
    run: Run | None = None

    def end(self, tally: Tally, exit_code: int | None = None) -> Run:
        """Return (and keep) the run as it ends now, by what was counted; ``exit_code`` if something else decides it."""
        self.run = Run(
            run_id=self.run_id,
            cluster=self.context.policy.cluster,
            verb=self.verb,
            started_at=self.began.strftime("%Y-%m-%dT%H:%M:%SZ"),
            finished_at=self.context.clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
            exit_code=int(tally.exit_code) if exit_code is None else exit_code,
            done=tally.done,
            failed=tally.failed,
            warnings=tally.warnings,
            retries=tally.retries,
        )
        return self.run


@contextmanager
def announced(site: Site, verb: str) -> Iterator[Ending]:
    """Tell that a run begins, and however it ends; what it raises is raised on."""
    context = site.context
    ending = Ending(context=context, verb=verb, run_id=str(uuid4()), began=context.clock())
    context.emit(RunStarted(run_id=ending.run_id, cluster=context.policy.cluster, verb=verb))
    try:
        yield ending
    except BaseException as error:
        _tell(ending, ending.end(site.tally, exit_code_of(error)), reason=str(error) or type(error).__name__)
        raise
    _tell(ending, ending.run or ending.end(site.tally), reason=None)


def _tell(ending: Ending, run: Run, *, reason: str | None) -> None:
    context = ending.context
    monitoring.publish(context, run)
    context.emit(
        RunFinished(
            run_id=run.run_id,
            cluster=run.cluster,
            verb=run.verb,
            exit_code=run.exit_code,
            done=run.done,
            failed=run.failed,
            warnings=run.warnings,
            retries=run.retries,
            seconds=(context.clock() - ending.began).total_seconds(),
            reason=reason,
        )
    )
