"""One mongod process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mongodriver.local.errors import LocalServerError
from mongodriver.local.libraries import advice, missing_library
from mongodriver.local.watchdog import Watchdog

_Ending = Callable[[subprocess.Popen[bytes]], None]

HOST = "127.0.0.1"
_READY = b"waiting for connections"
_ADDRESS_IN_USE = b"address already in use"
_POLL = 0.02  # seconds between looks at the log while waiting
_TAIL_LINES = 8
_SEVERE = ("E ", "F ")  # severities of the structured log


class PortTaken(LocalServerError):
    """Another program has got the port between our choice and mongod's bind."""


def free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class Member:
    """A mongod with its data folder and port; it may be started and ended many times."""

    def __init__(
        self, mongod: Path, folder: Path, port: int, arguments: Sequence[str], watchdog: Watchdog
    ) -> None:
        self.port = port
        self.log_path = folder / "mongod.log"
        self._mongod = mongod
        self._folder = folder
        self._arguments = list(arguments)
        self._watchdog = watchdog
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def __repr__(self) -> str:
        state = f"pid={self.pid}" if self.running else "not running"
        return f"<Member {self.address} {state}>"

    @property
    def host(self) -> str:
        """The host it listens on."""
        return HOST

    @property
    def address(self) -> str:
        """`host:port`, as in a replica set's configuration."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process id, None while it is not running."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process; does not wait until it is ready.

        Raises LocalServerError when the system cannot run the program at all.
        """
        data = self._folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        command = [str(self._mongod), "--dbpath", str(data), "--port", str(self.port)]
        with self.log_path.open("ab") as log:
            self._log_start = log.tell()
            try:
                self._process = subprocess.Popen(
                    [*command, "--bind_ip", HOST, *self._arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C is for us; we end it in good order
                )
            except OSError as error:  # another machine's program, or its loader is not there
                raise LocalServerError(f"{self._mongod} cannot be run here: {error.strerror}")
        self._watchdog.add(self._process.pid)

    def wait_until_listening(self, deadline: float) -> None:
        """Wait until this very process listens, judged by its own log.

        A connection alone would prove nothing: another server may have got the port.
        Raises PortTaken, or LocalServerError with the end of the log.
        """
        while not self._log_has(_READY):
            if self._ended_within(_POLL):
                self._raise_ended()
            if time.monotonic() > deadline:
                raise LocalServerError(f"mongod was not ready in time:\n{self.log_tail()}")

    def kill(self) -> None:
        """End the process at once, without any clean-up of its own."""
        self._end(lambda process: process.kill())

    def stop(self, timeout: float) -> None:
        """End the process in good order; killed when that takes longer than `timeout` seconds."""
        self._end(lambda process: process.terminate(), timeout)

    def pause(self) -> None:
        """Freeze the process (SIGSTOP): connections stay open and nothing is answered."""
        pid = self._signal("SIGSTOP")
        if hasattr(os, "waitid"):
            # The signal is only a request: a thread that is running might still answer.
            os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Let a frozen process go on."""
        self._signal("SIGCONT")

    def log_tail(self) -> str:
        """Return the errors and the last messages of the log since the last start."""
        lines = [_readable(line) for line in self._log().decode("utf-8", "replace").splitlines()]
        errors = [line for line in lines[:-_TAIL_LINES] if line.startswith(_SEVERE)]
        return "\n".join(errors[-_TAIL_LINES:] + lines[-_TAIL_LINES:])

    def _signal(self, name: str) -> int:
        """Send a signal; the process's id."""
        if self._process is None or not self.running:
            raise LocalServerError(f"{self!r} cannot be paused or resumed")
        os.kill(self._process.pid, getattr(signal, name))
        return self._process.pid

    def _end(self, how: _Ending, timeout: float | None = None) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            how(process)
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._watchdog.discard(process.pid)
        self._process = None

    def _ended_within(self, seconds: float) -> bool:
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _raise_ended(self) -> None:
        status = None if self._process is None else self._process.returncode
        if library := missing_library(self._log()):
            raise LocalServerError(f"mongod ended with status {status}: {advice(library)}")
        kind = PortTaken if self._log_has(_ADDRESS_IN_USE) else LocalServerError
        raise kind(f"mongod ended with status {status}; its log ends with:\n{self.log_tail()}")

    def _log(self) -> bytes:
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            return log.read()

    def _log_has(self, phrase: bytes) -> bool:
        return phrase in self._log().lower()


def _readable(line: str) -> str:
    """Shorten a line of the structured log to its message and attributes."""
    try:
        entry = json.loads(line)
        attributes = f" {json.dumps(entry['attr'])}" if "attr" in entry else ""
        return f"{entry['s']} {entry['c']}: {entry['msg']}{attributes}"[:500]
    except (ValueError, KeyError, TypeError):
        return line[:500]
