"""The child process of ``borg_starter``: Borg's Python, started once, a fork of which is ``borg`` each time that one is wanted.

Run by its path, as ``python child.py DESCRIPTOR`` with a socket; it imports nothing of borg_cluster. What comes on the socket are
descriptors: stdin, stdout, stderr, a channel and perhaps a passphrase. On the channel a line of JSON says what to run; the number
of the process and in the end its return code go back, and a byte that comes is a signal to send. Nothing of Borg has run before
the fork, only its modules are loaded, and what runs then is the function that the `borg` script calls: every command is a process
of its own, with its own locks, signals, log and exit code.

When nobody holds the other end of the socket any more, the commands are ended as by `kill`: borg rolls back and lets go of its
lock.
"""

import atexit
import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

NUMBER = struct.Struct("<i")
_STREAMS = 3
_PASSPHRASE = _STREAMS + 1
"""Where the descriptor of a passphrase stands, if one came."""
_MOST_DESCRIPTORS = _PASSPHRASE + 1
_NOT_FLUSHED = 120
"""Python's own code for that."""
_NAME_OF_PROCESS = Path("/proc/self/comm")


class Starter:
    """Forks and waits for its forks.

    Args:
        control: where commands come from.
        main: what a fork is to be; ends it.
    """

    def __init__(self, control: socket.socket, main: Callable[[], object]) -> None:
        self._control = control
        self._main = main
        self._channels: dict[int, socket.socket] = {}
        """Of each running command, by the number of its process."""
        self._woken, self._wakes = os.pipe()
        for end in (self._woken, self._wakes):
            os.set_blocking(end, False)

    def serve(self) -> None:
        """Start what is asked for until nobody can ask any more and all has ended."""
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # who ends a whole group of processes ends who asked as well
        asking = True
        while asking or self._channels:
            for ready in self._wait(asking=asking):
                if ready == self._woken:
                    self._bury()
                elif ready == self._control.fileno():
                    asking = self._start()
                else:
                    self._pass_on(ready)

    def _wait(self, *, asking: bool) -> list[int]:
        """Return what there is to read from, new commands last: theirs may be the numbers of what was closed just before."""
        wanted = [self._woken, *(channel.fileno() for channel in self._channels.values() if channel.fileno() >= 0)]
        poll = select.poll()
        for descriptor in (*wanted, self._control.fileno()) if asking else wanted:
            poll.register(descriptor, select.POLLIN)
        return [descriptor for descriptor, _ in poll.poll()]

    def _start(self) -> bool:
        """Start a command. Returns False, and ends the others, when nobody asks any more."""
        message, descriptors, _, _ = socket.recv_fds(self._control, 1, _MOST_DESCRIPTORS)
        if not message:
            for number in self._channels:
                os.kill(number, signal.SIGTERM)
            return False
        channel = socket.socket(fileno=descriptors[_STREAMS])
        with channel.makefile("rb") as file:
            told = file.readline()
        if told.endswith(b"\n"):
            self._fork(json.loads(told), channel, descriptors)
        else:
            channel.close()
        for descriptor in (*descriptors[:_STREAMS], *descriptors[_PASSPHRASE:]):
            os.close(descriptor)
        return True

    def _fork(self, told: dict[str, Any], channel: socket.socket, descriptors: list[int]) -> None:
        # a signal that comes before the fork can take it waits
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        number = os.fork()
        if number == 0:
            signal.set_wakeup_fd(-1)
            for one in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(one, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            channel.close()
            self._become(told, descriptors)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._channels[number] = channel
        _say(channel, number)

    def _become(self, told: dict[str, Any], descriptors: list[int]) -> None:
        os.setsid()
        for place, descriptor in enumerate(descriptors[:_STREAMS]):
            os.dup2(descriptor, place)
        for other in (self._control, *self._channels.values()):
            other.close()
        for descriptor in (self._woken, self._wakes, *descriptors[:_STREAMS]):
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(told["environment"])
        if len(descriptors) > _PASSPHRASE:
            os.environ["BORG_PASSPHRASE_FD"] = str(descriptors[_PASSPHRASE])
        if told["folder"] is not None:
            os.chdir(told["folder"])
        sys.argv = told["arguments"]
        _show_as(told["shown"])
        _run(self._main)

    def _bury(self) -> None:
        """Tell how those that have ended did."""
        os.read(self._woken, 1 << 10)
        for number in list(self._channels):
            gone, status = os.waitpid(number, os.WNOHANG)
            if gone:
                channel = self._channels.pop(number)
                _say(channel, os.waitstatus_to_exitcode(status))
                channel.close()

    def _pass_on(self, descriptor: int) -> None:
        """Send the signals that came on a channel. One that nobody holds any more is not listened to."""
        for number, channel in self._channels.items():
            if channel.fileno() != descriptor:
                continue
            try:
                signals = channel.recv(64)
            except ConnectionError:
                signals = b""
            for wanted in signals:
                os.kill(number, wanted)  # it is still ours, or it would be buried
            if not signals:
                channel.close()


def _run(main: Callable[[], object]) -> None:
    """Run Borg and end this process as Python would, but for taking all modules apart: that costs as much as a short command."""
    code = 0
    try:
        main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 - as Python does at its end
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()  # noqa: SLF001 - there is no other name for it
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except ValueError:
            pass  # Borg has closed it
        except OSError:
            code = code or _NOT_FLUSHED
    os._exit(code)


def _say(channel: socket.socket, number: int) -> None:
    with suppress(OSError):  # whoever asked may be gone, and does not care
        channel.sendall(NUMBER.pack(number))


def _show_as(name: str) -> None:
    """Let `ps` and `top` show what this process does; a kernel without /proc shows it as Python."""
    with suppress(OSError):
        _NAME_OF_PROCESS.write_text(name, encoding="utf-8")


def main() -> None:
    """Load Borg, say that it is, or why not, and serve."""
    control = socket.socket(fileno=int(sys.argv[1]))
    try:
        from borg import archiver  # noqa: PLC0415 - why it can't be loaded is told
    except Exception as error:  # noqa: BLE001 - whatever it is
        control.send(repr(error).encode() or b"?")
        return
    borg: Any = archiver
    gc.collect()
    gc.freeze()  # what is loaded is shared with the forks
    control.send(b"ready")
    Starter(control, borg.main).serve()
    os._exit(0)


if __name__ == "__main__":
    main()
