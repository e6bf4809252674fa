"""A small helper process that outlives us: no mongod is left behind, however we end.

atexit handlers do not run when a process is killed. The watchdog holds the read end of a pipe
whose write end only we hold; end of file means that we are gone, so it kills the servers it was
told about and removes their temporary folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import weakref
from pathlib import Path

_SCRIPT = """
import os, shutil, signal, sys, time
pids = set()
for line in sys.stdin:
    (pids.add if line[0] == "+" else pids.discard)(int(line[1:]))
for pid in pids:
    try:
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    except OSError:
        pass
for attempt in range(50):
    for folder in sys.argv[1:]:
        shutil.rmtree(folder, ignore_errors=True)
    if not any(map(os.path.exists, sys.argv[1:])):
        break
    time.sleep(0.1)
"""


class Watchdog:
    """Kills the registered processes and removes `folder` once this process has ended."""

    def __init__(self, folder: Path | None) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        if not sys.executable:  # an embedded interpreter: only atexit is left
            return
        folders = [] if folder is None else [str(folder)]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _SCRIPT, *folders],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,  # not hit by Ctrl-C or a kill of our process group
        )
        _alive.add(self)

    def add(self, pid: int) -> None:
        """Watch over the process `pid` from now on."""
        self._send(f"+{pid}\n")

    def discard(self, pid: int) -> None:
        """Forget the process `pid`, which has been waited for."""
        self._send(f"-{pid}\n")

    def close(self) -> None:
        """End the watchdog; it still kills what was not discarded."""
        if self._process is not None:
            self._close_pipe()
            self._process.wait()
            self._process = None

    def _send(self, line: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            try:
                self._process.stdin.write(line.encode())
            except OSError:  # killed by somebody: atexit still cleans up
                pass

    def _close_pipe(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()


_alive: weakref.WeakSet[Watchdog] = weakref.WeakSet()


def _after_fork() -> None:
    """A forked child must not hold the pipe open: the parent's death would go unseen."""
    for watchdog in list(_alive):
        watchdog._close_pipe()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
