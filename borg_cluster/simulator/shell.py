"""A PowerShell runspace pool on a simulated node: PSRP messages in, pipelines that run one command each, PSRP messages out.

As at a JEA endpoint whose language mode is NoLanguage, scripts are refused and only commands with plain parameters run; a full
runspace takes the module's own files, too. One lock
guards the pool; psrpcore's single send buffer is drained into one queue a pipeline, since WSMan receives from each by itself.
"""

import gzip
import logging
import threading
import time
import uuid
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from psrpcore import CreatePipelineEvent, GetCommandMetadataEvent, PSRPPayload, ServerPipeline, StreamType
from psrpcore.types import PSInvocationState

from borg_cluster.simulator.error_record import error_record, scripts_not_allowed, text_not_ours
from borg_cluster.simulator.failure import CommandError, command_not_found
from borg_cluster.simulator.module import FullRunspace
from borg_cluster.simulator.psrp import WindowsPool, addressed, tells_state
from borg_cluster.simulator.wsman import Dropped, command_id_not_found, shell_not_found, timed_out

Silence = Callable[[float], None]
"""Waits so many seconds in which the shell answers nothing at all."""

Invoke = Callable[[str, Mapping[str, object], Silence], str]
"""Executes a command by name; raises CommandError, or Dropped if the connection is to be cut instead of an answer."""

Output = tuple[list[bytes], bool]
"""Fragments, and whether the pipeline is done."""

COMPRESS_BEYOND = 100_000
_LOOK_AROUND = 0.05
"""Seconds between two looks at whether the node is still alive while a client waits."""


@dataclass(slots=True, kw_only=True)
class _Running:
    pipeline: ServerPipeline
    output: deque[bytes] = field(default_factory=deque)
    thread: threading.Thread | None = None
    dropped: bool = False
    """The connection of whoever waits for this is to be cut."""


# it writes whole messages at DEBUG, parameters and all
logging.getLogger("psrpcore").setLevel(logging.CRITICAL)


class Shell:
    """One runspace pool; its methods may be called from many threads."""

    def __init__(
        self, creation: bytes, *, invoke: Invoke, stopping: threading.Event, runspace: FullRunspace | None = None
    ) -> None:
        self._invoke = invoke
        self._stopping = stopping
        self._runspace = runspace
        self._pool = WindowsPool(application_private_data={"PSVersionTable": {"PSEdition": "Desktop"}})
        self._output: deque[bytes] = deque()
        self._running: dict[str, _Running] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._silent = False
        self.last_answer: tuple[str, Output] | None = None
        """MessageID and answer of the last Receive, for a client whose connection broke and that asks again."""
        self._feed(creation, None)

    def command(self, command_id: str, data: bytes) -> None:
        """Begin a pipeline with the first part of its description."""
        with self._changed:
            # it must exist before the message that describes it is fed
            self._running[command_id.upper()] = _Running(pipeline=ServerPipeline(self._pool, uuid.UUID(command_id)))
        self._feed(data, command_id)

    def send(self, data: bytes, command_id: str | None) -> None:
        """Take a further part of a description, or a message to the pool itself."""
        self._feed(data, command_id)

    def await_voice(self) -> None:
        """Wait while the shell is silenced."""
        with self._changed:
            self._changed.wait_for(lambda: not self._silent)

    def receive(self, command_id: str | None, *, timeout: float, size: int, alive: Callable[[], bool]) -> Output:
        """Wait for output and return its fragments (up to ``size`` bytes) and whether the pipeline is done.

        Raises Fault at the timeout (seconds) or when shell or command are gone, Dropped when the connection is to be cut.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                self._check(command_id, alive)
                queue = self._output if command_id is None else self._running[command_id.upper()].output
                if queue:
                    return self._take(queue, command_id, size)
                remaining = deadline - time.monotonic()
                if remaining <= 0 and not self._silent:
                    raise timed_out()
                self._changed.wait(_LOOK_AROUND)

    def stop(self, command_id: str) -> None:
        """Stop a pipeline: what its command still answers is ignored."""
        with self._changed:
            running = self._running.get(command_id.upper())
            if running is not None and running.pipeline.state is PSInvocationState.Running:
                running.pipeline.stop()
                self._drain()

    def forget(self, command_id: str) -> None:
        """Forget a pipeline that its client has read."""
        with self._changed:
            running = self._running.pop(command_id.upper(), None)
            if running is not None:
                self._pool.pipeline_table.pop(running.pipeline.pipeline_id, None)

    def close(self) -> None:
        """End the shell: whoever waits for it is told that it's gone."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def join(self) -> None:
        """Wait for the commands that still run."""
        for running in list(self._running.values()):
            if running.thread is not None:
                running.thread.join()

    def _silence(self, seconds: float) -> None:
        with self._changed:
            self._silent = True
        self._stopping.wait(seconds)
        with self._changed:
            self._silent = False
            self._changed.notify_all()

    def _check(self, command_id: str | None, alive: Callable[[], bool]) -> None:
        if self._closed:
            raise shell_not_found()
        if command_id is not None and command_id.upper() not in self._running:
            raise command_id_not_found()
        if not alive() or (command_id is not None and self._running[command_id.upper()].dropped):
            raise Dropped

    def _take(self, queue: deque[bytes], command_id: str | None, size: int) -> Output:
        fragments = [queue.popleft()]
        while queue and sum(map(len, fragments)) + len(queue[0]) <= size and not tells_state(queue[0]):
            fragments.append(queue.popleft())
        ended = (PSInvocationState.Completed, PSInvocationState.Failed, PSInvocationState.Stopped)
        done = command_id is not None and not queue and self._running[command_id.upper()].pipeline.state in ended
        return fragments, done

    def _feed(self, data: bytes, command_id: str | None) -> None:
        described = []
        with self._changed:
            if self._closed:
                raise shell_not_found()
            pipeline_id = None if command_id is None else uuid.UUID(command_id)
            meant = data if pipeline_id is None else addressed(data, pipeline_id)
            self._pool.receive_data(PSRPPayload(meant, StreamType.default, pipeline_id))
            while (event := self._pool.next_event()) is not None:
                if isinstance(event, (CreatePipelineEvent, GetCommandMetadataEvent)):
                    described.append(event)
            self._drain()
        for event in described:
            self._start(event)

    def _drain(self) -> None:
        for pipeline_id, fragment in self._pool.fragments():
            if pipeline_id is None:
                self._output.append(fragment)
            elif (running := self._running.get(str(pipeline_id).upper())) is not None:
                running.output.append(fragment)
        self._changed.notify_all()

    def _start(self, event: CreatePipelineEvent | GetCommandMetadataEvent) -> None:
        running = self._running[str(event.pipeline_id).upper()]
        with self._changed:
            running.pipeline.start()
            running.thread = threading.Thread(target=self._run, args=(running, event), name="pipeline")
        running.thread.start()

    def _run(self, running: _Running, event: CreatePipelineEvent | GetCommandMetadataEvent) -> None:
        answer, error = None, None
        try:
            answer = self._execute(event)
        except CommandError as problem:
            error = problem
        except Dropped:
            running.dropped = True
        except Exception as problem:  # noqa: BLE001 - a fault of the simulator must reach the test that caused it
            error = CommandError(f"the simulator failed: {problem!r}", "SimulatorFailed")
        with self._changed:
            if running.pipeline.state is PSInvocationState.Running and not running.dropped:
                _finish(running.pipeline, answer, error)
            self._drain()

    def _execute(self, event: CreatePipelineEvent | GetCommandMetadataEvent) -> str | None:
        """Return the answer of a command; None after files of the module, which only define functions."""
        if self._runspace is not None and isinstance(event, CreatePipelineEvent) and event.pipeline.commands[0].is_script:
            for statement in event.pipeline.commands:
                if not statement.is_script or statement.parameters or not statement.end_of_statement:
                    raise text_not_ours(statement.command_text)
                self._runspace.run(statement.command_text)
            return None
        name, parameters = _plain_command(event)
        if self._runspace is not None:
            self._runspace.check(name)
        return _packed(self._invoke(name, parameters, self._silence))


def _finish(pipeline: ServerPipeline, answer: str | None, error: CommandError | None) -> None:
    if error is None:
        if answer is not None:
            pipeline.write_output(answer)
        pipeline.complete()
        return
    record = error_record(error)
    if error.error_id.startswith("BorgCluster"):
        # ThrowTerminatingError; psrpcore has no public way to fail a pipeline
        pipeline._change_state(PSInvocationState.Failed, error=record)  # noqa: SLF001
        return
    # as cmdlets do: an error record, and yet the pipeline completes
    pipeline.write_error(
        record.Exception,
        category_info=record.CategoryInfo,
        target_object=record.TargetObject,
        fully_qualified_error_id=record.FullyQualifiedErrorId,
    )
    pipeline.complete()


def _packed(answer: str) -> str:
    if len(answer) <= COMPRESS_BEYOND or answer.startswith("H4sI"):
        return answer
    return b64encode(gzip.compress(answer.encode())).decode()


def _plain_command(event: CreatePipelineEvent | GetCommandMetadataEvent) -> tuple[str, dict[str, object]]:
    if isinstance(event, GetCommandMetadataEvent):
        raise command_not_found("Get-Command")
    commands = event.pipeline.commands
    if len(commands) != 1 or commands[0].is_script:
        raise scripts_not_allowed()
    parameters: dict[str, object] = {}
    for name, value in commands[0].parameters:
        if name is None:
            message = "A positional parameter cannot be found that accepts argument."
            raise CommandError(message, f"PositionalParameterNotFound,{commands[0].command_text}", "InvalidArgument")
        parameters[name.lstrip("-")] = _plain(value)
    return commands[0].command_text, parameters


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (str, uuid.UUID)):
        return str(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    raise scripts_not_allowed()
