"""Ingestion in whatever flavour a test runs: what its tests have in common."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from flavour import is_asynchronous, plain

from mongodriver.ingest import IngestReport, ingest, ingest_async
from scripted import HEADER, ScriptedServer, read_message


async def load(collection: Any, source: Any, **options: Any) -> IngestReport:
    """Ingest in the flavour of the collection."""
    if is_asynchronous(collection):
        return await ingest_async(collection, source, **options)
    return ingest(plain(collection), source, **options)


async def content_hash(collection: Any) -> str:
    """What the server says of a collection's content, in whatever order it came."""
    hashes = await collection.database.command("dbHash", collections=[collection.name])
    found: str = hashes["collections"][collection.name]
    return found


class CuttingProxy:
    """Stands before a server, and cuts the connection at one byte of one exchange.

    `cut_at` is the byte of the next insert, request and reply taken together, in front of which the
    connection ends; None: nothing is cut. `exchange` is the size of the last insert that got
    through.
    """

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self.cut_at: int | None = None
        self.exchange = 0
        self.cuts = 0
        self._listener = ScriptedServer(self._serve)
        self.address = self._listener.address

    def close(self) -> None:
        self._listener.close()
        self._listener.hang_up()

    def __enter__(self) -> CuttingProxy:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.close()

    def _serve(self, client: socket.socket) -> None:
        with socket.create_connection(self._server) as server:
            while request := read_message(client):
                cut = self.cut_at
                if not _is_insert(request):
                    cut = None
                if cut is not None:
                    self.cut_at = None
                    self.cuts += 1
                    if cut < len(request):
                        server.sendall(request[:cut])
                        return
                server.sendall(request)
                reply = read_message(server)
                if cut is not None and cut < len(request) + len(reply):
                    client.sendall(reply[: cut - len(request)])
                    return
                if _is_insert(request):
                    self.exchange = len(request) + len(reply)
                client.sendall(reply)


def _is_insert(message: bytes) -> bool:
    return b"\x02insert\0" in message[HEADER.size : HEADER.size + 30]
