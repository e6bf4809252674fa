"""SecantusDB, a server of its own kind that imitates newer mongods than the one that is to be had.

It is optional, and used where nothing else can be: where its answers differ from a mongod's, the
mongod is right. ``MONGODRIVER_SECANTUSD`` names its program; else ``secantusd-py`` is looked for
beside the interpreter and on the path (the extra ``newer`` installs it).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

#: What deployments of it are called.
NAME = "SecantusDB"

_LISTENS = re.compile(r"listening on (\S+:\d+)")


def program() -> str | None:
    """Where its program is, or None if it is not installed."""
    named = os.environ.get("MONGODRIVER_SECANTUSD")
    if named is not None:
        return named or None
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return shutil.which("secantusd-py", path=os.pathsep.join(places))


class Secantus:
    """A server that keeps everything in memory: the only member of a replica set.

    :raises RuntimeError: where it ends instead of listening.
    """

    def __init__(self) -> None:
        found = program()
        if found is None:
            raise RuntimeError("SecantusDB is not installed")
        arguments = ["--port", "0", "--storage-path", ":memory:", "--enable-test-commands"]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self._process = subprocess.Popen(
            [found, *arguments, "--cache-size", "256M"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.uri = f"mongodb://{self._address()}/"
        # Nobody reads what it logs, but a full pipe would stop it.
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def _address(self) -> str:
        said = []
        assert self._process.stderr is not None
        for line in self._process.stderr:
            listens = _LISTENS.search(line)
            if listens is not None:
                return listens[1]
            said.append(line)
        self.close()
        raise RuntimeError("SecantusDB did not start: " + "".join(said[-10:]))

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        for _ in self._process.stderr:
            pass

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Secantus:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
