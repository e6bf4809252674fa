"""`mongodriver.network_layer`: bytes and messages over sockets and transports of one's own."""

from __future__ import annotations

import asyncio
import importlib
import socket
import struct
import time
from types import SimpleNamespace

import bson
import pytest

from mongodriver.io.base import FIRST_BUFFER
from mongodriver.uri_parser import parse_uri


@pytest.fixture(params=["mongodriver", "pymongo"])
def kit(request, server):
    layer = importlib.import_module(f"{request.param}.network_layer")
    errors = importlib.import_module(f"{request.param}.errors")
    (address,) = parse_uri(server.uri)["nodelist"]
    return SimpleNamespace(layer=layer, errors=errors, address=address, package=request.param)


def ping(request_id):
    body = b"\0\0\0\0\0" + bson.encode({"ping": 1, "$db": "admin"})
    return struct.pack("<iiii", 16 + len(body), request_id, 0, 2013) + body


def test_the_base_can_do_nothing(kit):
    base = kit.layer.NetworkingInterfaceBase(3)
    assert base.conn == 3
    for call in (
        lambda: base.get_conn,
        lambda: base.sock,
        lambda: base.gettimeout,
        base.close,
        base.is_closing,
        lambda: base.settimeout(1),
    ):
        with pytest.raises(NotImplementedError):
            call()


def test_an_interface_to_a_socket(kit):
    one, other = socket.socketpair()
    interface = kit.layer.NetworkingInterface(one)
    assert isinstance(interface, kit.layer.NetworkingInterfaceBase)
    assert interface.get_conn is interface.sock is interface.conn is one
    assert (interface.gettimeout(), interface.fileno()) == (None, one.fileno())
    interface.settimeout(2)
    assert interface.gettimeout() == one.gettimeout() == 2
    other.sendall(b"abc")
    buffer = bytearray(2)
    assert (interface.recv_into(memoryview(buffer)), bytes(buffer)) == (2, b"ab")
    if kit.package == "mongodriver":  # theirs asks the socket, which does not know
        assert not interface.is_closing()
    interface.close()
    assert interface.fileno() == -1
    other.close()


def test_messages_over_a_socket_of_ours():
    from mongodriver import network_layer as layer
    from mongodriver.errors import ProtocolError

    one, other = socket.socketpair()
    connection = SimpleNamespace(conn=layer.NetworkingInterface(one))
    layer.sendall(other, b"abcdef")
    layer.wait_for_read(connection, None)
    assert bytes(layer.receive_data(connection, 4, None)) == b"abcd"
    with pytest.raises(TimeoutError, match="timed out"):
        layer.receive_data(connection, 4, time.monotonic() + 0.01)
    layer.sendall(other, ping(1)[:8] + struct.pack("<i", 7) + ping(1)[12:])
    message = layer.receive_message(connection, 7)
    assert message.unpack_response() == [{"ping": 1, "$db": "admin"}]
    for sent, wanted, text in (
        (ping(1), 7, "Got response id 0 but expected 7"),
        (struct.pack("<iiii", 16, 1, 7, 2013), 7, r"Message length \(16\) not longer"),
        (ping(1), None, "is larger than server max message size"),
    ):
        layer.sendall(other, sent)
        with pytest.raises(ProtocolError, match=text):
            layer.receive_message(connection, wanted, 20 if wanted is None else 1000)
        one.setblocking(False)
        while True:  # what is left of the message
            try:
                one.recv(1000)
            except BlockingIOError:
                break
        one.setblocking(True)
    layer.sendall(other, struct.pack("<iiii", 20, 1, 7, 1) + b"abcd")
    with pytest.raises(ProtocolError, match="Got opcode 1 but expected 2013"):
        layer.receive_message(connection, 7)
    other.close()
    with pytest.raises(OSError, match="connection closed"):
        layer.receive_data(connection, 1, None)
    one.close()


def test_sockets_that_do_not_block():
    from mongodriver import network_layer as layer

    async def main():
        one, other = socket.socketpair()
        one.setblocking(False)
        other.setblocking(False)
        await layer.async_socket_sendall(one, b"abcdef")
        assert bytes(await layer.async_receive_data_socket(other, 4)) == b"abcd"
        one.close()
        with pytest.raises(OSError, match="connection closed"):
            await layer.async_receive_data_socket(other, 4)
        other.close()

    asyncio.run(main())


def test_a_protocol(kit):
    async def main():
        loop = asyncio.get_running_loop()

        async def opened(timeout=30):
            return await loop.create_connection(
                lambda: kit.layer.PyMongoProtocol(timeout=timeout), *kit.address
            )

        transport, protocol = await opened()
        assert (protocol.gettimeout, protocol.transport) == (30, transport)
        interface = kit.layer.AsyncNetworkingInterface((transport, protocol))
        assert interface.get_conn is protocol
        assert (interface.gettimeout, interface.is_closing()) == (30, False)
        interface.settimeout(20)
        assert protocol.gettimeout == interface.gettimeout == 20
        assert interface.sock.getpeername() == kit.address
        await kit.layer.async_sendall(protocol, ping(7))
        data, code = await protocol.read(7, 48000000)
        assert (bson.decode(bytes(data)[5:])["ok"], code) == (1, 2013)
        await protocol.write(ping(9))
        with pytest.raises(kit.errors.ProtocolError, match="Got response id 9 but expected 10"):
            await protocol.read(10, 48000000)
        await interface.close()
        await protocol.wait_closed()
        assert interface.is_closing()
        transport, protocol = await opened()
        await protocol.write(ping(7))
        with pytest.raises(kit.errors.ProtocolError, match="larger than server max message size"):
            await protocol.read(7, 100)
        protocol.close()
        await protocol.wait_closed()

    asyncio.run(main())


#: Longer than what is gathered at first, and than twice that.
LONG = 3 * FIRST_BUFFER + 5


def long_message(filler=b"x"):
    content = bytes(5) + bson.encode({"a": filler * LONG})
    return struct.pack("<iiii", 16 + len(content), 7, 3, 2013) + content


def test_long_messages_of_a_protocol():
    from mongodriver.network_layer import PyMongoProtocol

    async def main():
        loop, (one, other) = asyncio.get_running_loop(), socket.socketpair()
        transport, protocol = await loop.create_connection(PyMongoProtocol, sock=one)
        other.setblocking(False)
        messages = [long_message(filler) for filler in (b"x", b"y", b"z")]
        sending = asyncio.ensure_future(loop.sock_sendall(other, b"".join(messages)))
        for message in messages:
            data, code = await protocol.read(3, 48_000_000)
            assert (bytes(data), code) == (message[16:], 2013)
        await sending
        transport.abort()
        other.close()

    asyncio.run(main())


def test_long_messages_of_sockets():
    from mongodriver import network_layer as layer

    async def main():
        one, other = socket.socketpair()
        one.setblocking(False)
        other.setblocking(False)
        message = long_message()
        sending = asyncio.ensure_future(layer.async_socket_sendall(one, message))
        assert bytes(await layer.async_receive_data_socket(other, len(message))) == message
        await sending
        one.close()
        other.close()

    asyncio.run(main())


def test_a_length_is_believed_as_bytes_come():
    """Nothing is set aside for what a header only announces, and a peer fills no memory unasked."""
    from mongodriver.network_layer import PyMongoProtocol

    tracemalloc = pytest.importorskip("tracemalloc")  # which PyPy has not

    async def main():
        loop, (one, other) = asyncio.get_running_loop(), socket.socketpair()
        transport, protocol = await loop.create_connection(PyMongoProtocol, sock=one)
        other.setblocking(False)
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            await loop.sock_sendall(other, struct.pack("<iiii", 47_000_000, 7, 3, 2013) + b"x")
            while protocol._have <= 16:  # the header, and the byte behind it
                await asyncio.sleep(0)
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before < 4 * FIRST_BUFFER
        transport.abort()
        other.close()

    asyncio.run(main())


def test_nothing_is_read_ahead_of_whoever_reads():
    from mongodriver.network_layer import PyMongoProtocol

    async def main():
        loop, (one, other) = asyncio.get_running_loop(), socket.socketpair()
        transport, protocol = await loop.create_connection(PyMongoProtocol, sock=one)
        other.setblocking(False)
        count = 40
        sending = asyncio.ensure_future(loop.sock_sendall(other, long_message() * count))
        await protocol.read(3, 48_000_000)
        while transport.is_reading():
            await asyncio.sleep(0)
        assert not sending.done()
        for _ in range(count - 1):
            await protocol.read(3, 48_000_000)
        await sending
        transport.abort()
        other.close()

    asyncio.run(main())


def test_the_end_of_a_protocol():
    from mongodriver.network_layer import PyMongoProtocol

    async def main():
        loop, (one, other) = asyncio.get_running_loop(), socket.socketpair()
        transport, protocol = await loop.create_connection(PyMongoProtocol, sock=one)
        protocol.settimeout(0.01)
        with pytest.raises(TimeoutError, match="timed out"):
            await protocol.read(None, 1000)
        assert transport.is_closing()
        other.close()
        one, other = socket.socketpair()
        transport, protocol = await loop.create_connection(PyMongoProtocol, sock=one)
        waiting = asyncio.ensure_future(protocol.read(None, 1000))
        other.sendall(ping(1)[:10])
        await asyncio.sleep(0)
        protocol.close(OSError("enough"))
        with pytest.raises(OSError, match="enough"):
            await waiting
        with pytest.raises(OSError, match="enough"):
            await protocol.write(b"x")
        await protocol.wait_closed()
        other.close()
        one, other = socket.socketpair()
        transport, protocol = await loop.create_connection(PyMongoProtocol, sock=one)
        other.sendall(ping(1) + ping(2))
        for _ in range(2):
            data, code = await protocol.read(None, 1000)
            assert (bson.decode(bytes(data)[5:]), code) == ({"ping": 1, "$db": "admin"}, 2013)
        other.close()
        with pytest.raises(OSError, match="connection closed"):
            await protocol.read(None, 1000)

    asyncio.run(main())


def test_a_compressed_message_of_a_protocol():
    from mongodriver.network_layer import PyMongoProtocol
    from mongodriver.wire.compression import compress_message, make_compressor

    async def main():
        loop, (one, other) = asyncio.get_running_loop(), socket.socketpair()
        transport, protocol = await loop.create_connection(PyMongoProtocol, sock=one)
        packed = compress_message(ping(1), make_compressor("zlib"))
        buffer = protocol.get_buffer(-1)
        buffer[:16] = packed[:16]
        assert protocol.process_header() == (len(packed) - 16, 2012)
        protocol.buffer_updated(16)
        protocol.get_buffer(-1)[:] = packed[16:]
        protocol.buffer_updated(len(packed) - 16)
        assert protocol.process_compression_header() == (2013, 2)
        data, code = await protocol.read(None, 1000)
        assert (bytes(data), code) == (ping(1)[16:], 2013)
        transport.abort()
        await protocol.wait_closed()
        other.close()

    asyncio.run(main())
