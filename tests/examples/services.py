"""Programs in processes of their own: what they say, and whether they end well."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

#: What no program may say: clients and connections that nobody has closed, clients that came
#: through a fork, tasks that nobody waited for, errors in finalizers and threads. (Frameworks leave
#: sockets that listen, and processes, to the end of the process.)
COMPLAINTS = re.compile(
    r"ResourceWarning: (?!unclosed <socket.socket [^>]*laddr=[^>]*\d\)>|Enable tracemalloc"
    r"|subprocess \d+ is still)"
    r"|ResourceWarning: unclosed <socket.socket [^>]*raddr="
    r"|opened before fork|Traceback|Task was destroyed|never awaited"
    r"|Exception ignored|never retrieved"
)

#: A client that a library has opened and not closed, whatever the driver, and sockets of such.
LEFT_OPEN = (
    r"\S+ ResourceWarning: Unclosed MongoClient opened at:\n(?: .*\n)*?"
    r'  File "\S+/(?:{libraries})/\S+", line \d+, in \w+\n(?:    .*\n)?Call MongoClient.close.*\n'
    r"|\S+ ResourceWarning: unclosed <socket.*\n"
)


class Service:
    """A program of Python's in a process group of its own.

    :param arguments: for the interpreter, such as ``-m uvicorn ...``.
    :param environment: added to the environment.
    :param stdin: a file that it reads, if any.
    """

    def __init__(
        self, arguments: tuple[str, ...], environment: dict[str, str], stdin: Path | None = None
    ) -> None:
        typed = open(stdin or os.devnull)  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONUNBUFFERED": "1",
                "PYTHONWARNINGS": "always::ResourceWarning",
                **environment,
            },
            stdin=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        typed.close()
        self._said = ""
        self._ended = False
        self._heard = threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._heard:
                self._said += line
                self._heard.notify_all()
        with self._heard:
            self._ended = True
            self._heard.notify_all()

    @property
    def said(self) -> str:
        """What it and its children have printed so far."""
        with self._heard:
            return self._said

    @property
    def pid(self) -> int:
        """Of the program itself."""
        return self._process.pid

    def hear(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Wait until it has printed something so many times; return the last one."""
        with self._heard:
            while len(found := [*re.finditer(pattern, self._said)]) < times:
                assert not self._ended, f"it ended without {pattern!r}:\n{self._said}"
                self._heard.wait()
            return found[times - 1]

    def wait(self) -> int:
        """Wait for its end, and that of whoever holds its output; return the exit status."""
        self._listener.join()
        return self._process.wait()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit status."""
        self._process.send_signal(number)
        return self.wait()

    def interrupt(self) -> int:
        """Press Ctrl-C, which reaches its children as well, and return the exit status."""
        os.killpg(self._process.pid, signal.SIGINT)
        return self.wait()

    def assert_content(self, but_for: str = "") -> None:
        """It has said nothing that programs should not say.

        :param but_for: libraries, with ``|`` between them, which leave clients of theirs open.
        """
        said = self._said
        if but_for:
            said = re.sub(LEFT_OPEN.format(libraries=but_for), "", said)
        assert not COMPLAINTS.search(said), said

    def kill(self) -> None:
        """Leave nothing of it."""
        if not self._ended:
            os.killpg(self._process.pid, signal.SIGKILL)
            self.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
