"""A server that is far away: what passes through arrives some time later, as much as comes.

    python bench/delaying_proxy.py HOST PORT MILLISECONDS

prints the port it listens on. Each direction takes half of the time, so that this is what a round
trip takes longer. A process of its own: it takes nothing from what is measured.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_PIECE = 1 << 20


async def serve(host: str, port: int, seconds: float) -> None:
    """Listen until the process is ended."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(host, port, limit=_PIECE)
        await asyncio.gather(
            _carry(reader, there_writer, seconds / 2), _carry(there_reader, writer, seconds / 2)
        )

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=_PIECE)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    """Hand on what comes, each piece so much later than it came."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def hand_on() -> None:
        while True:
            when, data = await pieces.get()
            await asyncio.sleep(when - loop.time())
            if not data:
                break
            writer.write(data)
            await writer.drain()
        writer.close()

    handing = asyncio.ensure_future(hand_on())
    try:
        while data := await reader.read(_PIECE):
            pieces.put_nowait((loop.time() + seconds, data))
    except ConnectionError:
        pass
    pieces.put_nowait((loop.time() + seconds, b""))
    await asyncio.gather(handing, return_exceptions=True)


@contextmanager
def far_away(host: str, port: int, milliseconds: float) -> Iterator[int]:
    """The port of a proxy for a server on this machine."""
    command = [sys.executable, __file__, host, str(port), str(milliseconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) / 1000))
