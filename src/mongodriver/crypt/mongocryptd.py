"""mongocryptd: the process that says which values of a command are to be encrypted.

It is started when nobody listens where it should be, and ends by itself ("Managing mongocryptd").
"""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bsonx.raw_bson import RawBSONDocument

from ..client.client import Client
from ..ops.command import RunCommand
from ..options.client_arguments import client_arguments
from ..options.client_options import ClientOptions
from ..values.errors import ServerSelectionTimeoutError
from .documents import RAW, fields_of
from .key_vault import run

if TYPE_CHECKING:
    from ..io.base import Backend

__all__ = ["Mongocryptd"]

#: How long it is looked for, in milliseconds.
_SELECTION_TIMEOUT = 10_000


class Mongocryptd:
    """A client of that process.

    :param uri: where it listens.
    :param command: starts it; None: somebody else does.
    """

    def __init__(
        self, uri: Any, command: Sequence[str] | None, backend: Backend, is_sync: bool
    ) -> None:
        given = {"serverSelectionTimeoutMS": _SELECTION_TIMEOUT}
        arguments = client_arguments(uri, 27017, None, None, False, None, given)
        options = ClientOptions(None, None, None, arguments.options, is_sync=is_sync)
        #: Its client. When that is closed the process goes on, for others.
        self.core = Client(options, arguments.seeds, backend, name="mongocryptd", opened_at=None)
        self._command = command
        self._backend = backend

    async def mark(self, database: str, command: bytes) -> bytes:
        """Its reply to a command.

        :raises ServerSelectionTimeoutError: when it cannot be reached, even after it was started.
        """
        try:
            return await self._run(database, command)
        except ServerSelectionTimeoutError:
            if self._command is None:
                raise
        await self._backend.call(start, self._command)
        return await self._run(database, command)

    async def _run(self, database: str, command: bytes) -> bytes:
        operation = RunCommand(database, fields_of(command), RAW)
        reply: RawBSONDocument = await run(self.core, operation)
        return reply.raw


class _Process(subprocess.Popen[bytes]):
    """It may well outlive this process, and nobody is warned of that."""

    def __del__(self) -> None:
        pass


#: Those that have not ended yet, as far as is known.
_started: list[_Process] = []


def start(command: Sequence[str]) -> None:
    """Start a process that outlives this one. Where that fails, a RuntimeWarning says why."""
    nothing = subprocess.DEVNULL
    _started[:] = [process for process in _started if process.poll() is None]
    try:
        process = _Process(
            list(command),
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
            close_fds=True,
            start_new_session=True,
        )
    except OSError as exc:
        warnings.warn(
            f"Failed to start {command[0]}: is it on your $PATH?\nOriginal exception: {exc}",
            RuntimeWarning,
            stacklevel=2,
        )
        return
    _started.append(process)
