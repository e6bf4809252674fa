"""A process with a door before each member of a set, which can be shut.

    python member_proxies.py PORT...

prints the ports of the doors. A line "shut N" on the standard input stops all that goes through
door N, in both directions, without closing anything: as a network does that loses every packet.
"open N" closes what was stopped, and lets new connections through. Ends with its standard input.
"""

from __future__ import annotations

import asyncio
import sys


class Door:
    """What goes to and from one member.

    :param port: the member's own.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self) -> int:
        """Begin to listen; the port of the door."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        """Let nothing through any more."""
        self._open.clear()

    def open(self) -> None:
        """Let new connections through; those before are lost."""
        for writer in self._writers:
            writer.transport.abort()
        self._open.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        other = None
        try:
            await self._open.wait()
            other_reader, other = await asyncio.open_connection("127.0.0.1", self._port)
            self._writers.add(other)
            await asyncio.gather(self._pass(reader, other), self._pass(other_reader, writer))
        except OSError:
            pass
        finally:
            for one in (writer, other):
                if one is not None:
                    self._writers.discard(one)
                    one.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._open.wait()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError


async def main() -> None:
    """Serve the doors until the standard input ends."""
    doors = [Door(int(port)) for port in sys.argv[1:]]
    print(*[await door.serve() for door in doors], flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        what, number = line.split()
        getattr(doors[int(number)], what)()
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
