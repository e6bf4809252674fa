"""Wait for the end of processes that are not our children."""

import ctypes
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

TIMEOUT = 100.0
_PIDFD_OPEN = 434  # the number of the system call, the same on every machine

# A program which starts a server and tells what has to be gone once the program is. It goes on when
# we have opened those processes: a number alone may be nobody's, or another one's, a moment later.
STARTS_A_SERVER = """
import sys
from mongodriver.local import LocalServer
server = LocalServer("rs0").start()
print(server.members[0].pid, server._watchdog._process.pid, server._folder, flush=True)
sys.stdin.readline()
"""


class Program:
    """A Python program in a process of its own that has started a LocalServer."""

    def __init__(self, ending: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", STARTS_A_SERVER + ending],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        mongod, watchdog, folder = self.process.stdout.readline().split()
        self.folder = Path(folder)
        assert self.folder.is_dir()
        self._ends = [open_process(int(mongod)), open_process(int(watchdog))]
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def assert_nothing_is_left(self) -> None:
        """Wait until the server and its watchdog have ended; the folder must be gone then."""
        for end in self._ends:
            assert wait_for_end(end), "a process outlived its parent"
        assert not self.folder.exists()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()

    def send(self, number: signal.Signals) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(TIMEOUT)


def open_process(pid: int) -> int:
    """Return a file descriptor that becomes readable when the process ends."""
    if hasattr(os, "pidfd_open"):
        return os.pidfd_open(pid)
    descriptor = ctypes.CDLL(None, use_errno=True).syscall(_PIDFD_OPEN, pid, 0)  # PyPy
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return descriptor


def wait_for_end(descriptor: int) -> bool:
    """Wait for the end of the process and close the descriptor."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    ended = bool(poller.poll(TIMEOUT * 1000))
    os.close(descriptor)
    return ended
