"""A mongod of one's own, alone or as a replica set."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from mongodriver.local.binary import find_mongod
from mongodriver.local.control import Control
from mongodriver.local.errors import LocalServerError
from mongodriver.local.process import Member, PortTaken, free_port
from mongodriver.local.watchdog import Watchdog

_DEFAULT_NAME = "rs0"
_MAX_VOTERS = 7
_BIND_ATTEMPTS = 10
_COMMAND_TIMEOUT = 5.0  # seconds for one question to a member
_POLL = 0.05  # seconds between questions while a replica set settles
_QUICK_ELECTIONS = {"electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500}
_PORTS_FILE = "ports.json"
_DEFAULT_PARAMETERS = {
    "enableTestCommands": "1",  # fail points
    "diagnosticDataCollectionEnabled": "false",
    "shutdownTimeoutMillisForSignaledShutdown": "100",
}


class LocalServer:
    """Starts mongod for tests, demos and quick jobs, and always cleans up.

        with LocalServer() as server:
            client = MongoClient(server.uri)

    `replica_set` is the set's name, True for "rs0", None for a standalone server; `members` is
    the number of its members, which listen on 127.0.0.1 only. `mongod` is the program (see
    `find_mongod`). `port` is the first member's port, the others follow; without it free ports
    are taken. `path` is a data folder to keep: it is created when missing, and a replica set
    found in it keeps its ports. Without it the data live in a temporary folder, which is
    removed at the end. `args` are further arguments for every mongod, for example
    `["--auth", "--keyFile", file]`. `timeout` is in seconds, for every single state that is
    waited for. Nothing starts before `start()`, `with` or `async with`.

    No mongod survives the Python process, not even when that is killed. An object is meant for
    one thread at a time.
    """

    def __init__(
        self,
        replica_set: str | bool | None = None,
        members: int = 1,
        *,
        mongod: str | os.PathLike[str] | None = None,
        port: int | None = None,
        path: str | os.PathLike[str] | None = None,
        args: Sequence[str] = (),
        timeout: float = 60.0,
    ) -> None:
        self.replica_set = _DEFAULT_NAME if replica_set is True else replica_set or None
        if isinstance(args, str):
            raise TypeError("args must be a sequence of arguments, not one string")
        if not 1 <= members <= _MAX_VOTERS:
            raise ValueError(f"members must be from 1 to {_MAX_VOTERS}, not {members}")
        if members > 1 and self.replica_set is None:
            raise ValueError("several members need a replica set")
        last = 65536 - members
        if port is not None and not 1 <= port <= last:
            raise ValueError(f"port must be from 1 to {last}, not {port}")
        if not timeout > 0:
            raise ValueError(f"timeout must be more than 0, not {timeout}")
        self._count = members
        self._mongod = mongod
        self._port = port
        self._path = None if path is None else Path(path).absolute()
        self._args = list(args)
        self._timeout = timeout
        self._members: list[Member] = []
        self._folder: Path | None = None
        self._watchdog: Watchdog | None = None
        self._control = Control(self._args)
        self._owner = os.getpid()

    def __repr__(self) -> str:
        state = self.uri if self._members else "not started"
        return f"<LocalServer {state}>"

    @property
    def members(self) -> tuple[Member, ...]:
        """The members in the order of their numbers; empty while not started."""
        return tuple(self._members)

    @property
    def uri(self) -> str:
        """The connection string that names all members."""
        if not self._members:
            raise LocalServerError("the server has not been started")
        hosts = ",".join(member.address for member in self._members)
        return f"mongodb://{hosts}/" + (
            f"?replicaSet={self.replica_set}" if self.replica_set else ""
        )

    def start(self) -> Self:
        """Start every member and wait until the server takes writes; return self.

        Raises LocalServerError, with the end of the log when a mongod has ended.
        """
        if self._members:
            raise LocalServerError("the server has already been started")
        mongod = find_mongod(self._mongod)
        self._owner = os.getpid()
        folder = self._make_folder()
        self._watchdog = Watchdog(None if self._path else folder)
        atexit.register(self.close)
        try:
            ports = self._choose_ports(folder)
            for index, port in enumerate(ports):
                member_folder = folder / f"member{index}"
                self._members.append(
                    Member(mongod, member_folder, port, self._arguments(), self._watchdog)
                )
            self._launch(self._members, may_move=self._port is None)
            if self.replica_set:
                self._form_set()
                self._remember_ports(folder)
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End every member and remove the temporary data; may be called again."""
        if os.getpid() != self._owner:  # a forked child: the server belongs to its parent
            return
        atexit.unregister(self.close)
        for member in self._members:
            if self._path is None:
                member.kill()
            else:
                member.stop(self._timeout)
        self._members = []
        if self._watchdog is not None:
            self._watchdog.close()
            self._watchdog = None
        if self._path is None and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None

    def kill(self, member: int) -> None:
        """End member number `member` at once (SIGKILL)."""
        self._member(member).kill()

    def stop(self, member: int) -> None:
        """Shut member number `member` down in good order."""
        self._member(member).stop(self._timeout)

    def pause(self, member: int) -> None:
        """Freeze member number `member`: it keeps its connections and answers nothing."""
        self._member(member).pause()

    def resume(self, member: int) -> None:
        """Let the frozen member number `member` go on."""
        self._member(member).resume()

    def restart(self, member: int) -> None:
        """Start member number `member` again, shutting it down first when it still runs.

        Returns when it listens and, in a replica set, is a primary or secondary again.
        """
        process = self._member(member)
        if process.running:
            process.stop(self._timeout)
        self._launch([process], may_move=False)
        if self.replica_set:
            self._wait_for(
                lambda: _is_active(self._hello(process)), f"{process.address} to be active"
            )

    def step_down(self, seconds: int | None = None) -> None:
        """Make the primary step down; it does not run for election for `seconds` seconds.

        The default is 1 in a set of one member, where nobody else can take over, otherwise 10:
        a secondary that has caught up is then elected at once.
        """
        alone = self._count == 1
        if seconds is None:
            seconds = 1 if alone else 10
        body = {
            "replSetStepDown": seconds,
            "secondaryCatchUpPeriodSecs": 0 if alone else seconds - 1,
            "force": True,
        }
        self.command(self.primary(), body, _COMMAND_TIMEOUT + seconds)

    def command(
        self, member: int, body: Mapping[str, Any], timeout: float = _COMMAND_TIMEOUT
    ) -> dict[str, Any]:
        """Run the command `body` on the admin database of member number `member`.

        Nobody is logged in. Returns the reply; raises OSError when the member cannot be reached
        within `timeout` seconds, LocalServerError when it answers an error.
        """
        target = self._member(member)
        return self._control.command(target.host, target.port, body, timeout)

    def primary(self) -> int:
        """Return the number of the member that is the primary; waits for an election."""
        found: list[int] = []

        def look() -> bool:
            for index, member in enumerate(self._members):
                if member.running and self._hello(member).get("isWritablePrimary"):
                    found.append(index)
                    return True
            return False

        self._wait_for(look, "a primary")
        return found[0]

    def _make_folder(self) -> Path:
        if self._path is None:
            self._folder = Path(tempfile.mkdtemp(prefix="mongodriver-"))
        else:
            self._path.mkdir(parents=True, exist_ok=True)
            self._folder = self._path
        return self._folder

    def _choose_ports(self, folder: Path) -> list[int]:
        if self._port is not None:
            return list(range(self._port, self._port + self._count))
        remembered = folder / _PORTS_FILE
        if remembered.exists():
            ports: list[int] = json.loads(remembered.read_text())
            if len(ports) != self._count:
                raise LocalServerError(f"{folder} holds a replica set of {len(ports)} members")
            return ports
        return [free_port() for _ in range(self._count)]

    def _remember_ports(self, folder: Path) -> None:
        """A replica set's configuration names its ports, so a kept one must get them again."""
        if self._path is not None:
            ports = [member.port for member in self._members]
            (folder / _PORTS_FILE).write_text(json.dumps(ports))

    def _arguments(self) -> list[str]:
        arguments = list(self._args)
        given = " ".join(arguments)
        for name, value in _DEFAULT_PARAMETERS.items():
            if name not in given:
                arguments += ["--setParameter", f"{name}={value}"]
        if "wiredTigerCacheSizeGB" not in given:
            arguments += ["--wiredTigerCacheSizeGB", "0.5"]
        if "unixSocket" not in given and os.name == "posix":
            arguments.append("--nounixsocket")
        if self.replica_set:
            arguments += ["--replSet", self.replica_set]
        return arguments

    def _launch(self, members: Sequence[Member], *, may_move: bool) -> None:
        """Start `members` side by side and wait until they listen."""
        deadline = time.monotonic() + self._timeout
        for member in members:
            member.start()
        for member in members:
            for attempt in range(_BIND_ATTEMPTS):
                try:
                    member.wait_until_listening(deadline)
                    break
                except PortTaken:
                    if not may_move or attempt + 1 == _BIND_ATTEMPTS:
                        raise
                    member.kill()
                    member.port = free_port()
                    member.start()

    def _form_set(self) -> None:
        config = {
            "_id": self.replica_set,
            "members": [{"_id": i, "host": m.address} for i, m in enumerate(self._members)],
            "settings": _QUICK_ELECTIONS,
        }
        if not any(self._hello(member).get("setName") for member in self._members):
            self.command(0, {"replSetInitiate": config}, self._timeout)
        for member in self._members:
            self._wait_until_active(member)
        self.primary()

    def _wait_until_active(self, member: Member) -> None:
        self._wait_for(lambda: _is_active(self._hello(member)), f"{member.address} to be active")

    def _hello(self, member: Member) -> dict[str, Any]:
        return self._control.hello(member.host, member.port, _COMMAND_TIMEOUT)

    def _member(self, index: int) -> Member:
        if not 0 <= index < len(self._members):
            raise LocalServerError(f"there is no member {index}; {len(self._members)} are started")
        return self._members[index]

    def _wait_for(self, reached: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + self._timeout
        while not reached():
            if not any(member.running for member in self._members):
                raise LocalServerError(f"no member runs while waiting for {what}")
            if time.monotonic() > deadline:
                tails = "\n".join(member.log_tail() for member in self._members)
                raise LocalServerError(f"waited {self._timeout:g} s for {what}:\n{tails}")
            time.sleep(_POLL)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        await _in_thread(self.start)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await _in_thread(self.close)


def _is_active(hello: dict[str, Any]) -> bool:
    return bool(hello.get("isWritablePrimary") or hello.get("secondary"))


async def _in_thread(function: Callable[[], object]) -> None:
    from mongodriver.io.either import trio_runs

    if trio_runs():
        import trio

        with trio.CancelScope(shield=True):  # a server is ended although its block was cancelled
            await trio.to_thread.run_sync(function)
        return
    import asyncio  # only in programs that run a loop anyway

    await asyncio.to_thread(function)
