"""Streams of both backends: whole messages, limits, deadlines, and closing on every error."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import ssl
import struct
import threading
import time

import pytest

from flavours import EVERYWHERE, EVERYWHERE_ASYNCHRONOUS, run_on
from mongodriver.io import blocking
from mongodriver.io.aio import BUFFER_SIZE, AioBackend
from mongodriver.io.base import (
    FIRST_BUFFER,
    BadMessage,
    ConnectionClosed,
    ConnectOptions,
    first_buffer,
    larger_buffer,
    message_length,
)
from mongodriver.io.blocking import READ_SIZE, run
from mongodriver.io.tls import Tls
from scripted import HEADER, message, read_message, scripted
from tasks import WasCancelled, begin, in_thread, pass_on, together

LIMIT = 1_000_000


@pytest.fixture(params=EVERYWHERE)
def flavour(request):
    return request.param


def talk(flavour, script, client):
    """Run ``client(stream)`` against a scripted server; return its result."""

    async def main(backend):
        stream = await backend.connect(server.address, ConnectOptions(10))
        try:
            return await client(stream)
        finally:
            stream.close()

    with scripted(script) as server:
        return run_on(flavour, main)


def answering(*replies):
    """A script: each request is answered by the next reply's bytes, sent as they are."""

    def script(sock):
        for reply in replies:
            if not read_message(sock):
                return
            for part in reply if isinstance(reply, list) else [reply]:
                sock.sendall(part)
        read_message(sock)

    return script


@pytest.mark.parametrize("size", [0, 5, READ_SIZE - 16, READ_SIZE, BUFFER_SIZE * 3 + 1, 900_000])
def test_exchange_returns_one_whole_message(flavour, size):
    reply = message(os.urandom(size))

    async def client(stream):
        return [bytes(await stream.exchange(message(b"ask"), None, LIMIT)) for _ in range(3)]

    assert talk(flavour, answering(reply, reply, reply), client) == [reply] * 3


def test_a_request_of_any_size_arrives_whole(flavour):
    request = message(os.urandom(5_000_000))
    seen = []

    def script(sock):
        seen.append(read_message(sock))
        sock.sendall(message(b"got it"))

    async def client(stream):
        return await stream.exchange(request, None, LIMIT)

    assert talk(flavour, script, client) == message(b"got it")
    assert seen == [request]


def test_send_waits_for_nothing_but_room(flavour):
    request = message(os.urandom(2_000_000))
    seen = []

    def script(sock):
        seen.extend([read_message(sock), read_message(sock)])
        sock.sendall(message(b"both"))

    async def client(stream):
        await stream.send(request, None)
        return await stream.exchange(message(b"ask"), time.monotonic() + 10, LIMIT)

    assert talk(flavour, script, client) == message(b"both")
    assert seen == [request, message(b"ask")]


def test_a_reply_in_single_bytes_is_put_together(flavour):
    reply = message(b"slowly")

    def script(sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        read_message(sock)
        for byte in reply:
            sock.sendall(bytes([byte]))

    async def client(stream):
        return await stream.exchange(message(b"ask"), time.monotonic() + 10, LIMIT)

    assert talk(flavour, script, client) == reply


@pytest.mark.parametrize("length", [6, 100_000])
def test_a_reply_without_limit_is_waited_for_beyond_what_the_kernel_waits(
    flavour, monkeypatch, length
):
    monkeypatch.setattr(blocking, "_LOOK_UP_AFTER", struct.pack("@ll", 0, 1000))
    reply = message(bytes(length))

    def script(sock):
        read_message(sock)
        for piece in (reply[:5], reply[5:20], reply[20:]):
            threading.Event().wait(0.05)
            sock.sendall(piece)

    async def client(stream):
        return await stream.exchange(message(b"ask"), None, LIMIT)

    assert talk(flavour, script, client) == reply


def test_messages_that_come_together_are_read_one_by_one(flavour):
    replies = [message(os.urandom(n)) for n in (10, 1, BUFFER_SIZE, 3, 100_000, 7)]

    async def client(stream):
        first = await stream.exchange(message(b"ask"), None, LIMIT)
        rest = [await stream.receive(time.monotonic() + 10, LIMIT) for _ in replies[1:]]
        return [bytes(r) for r in (first, *rest)]

    assert talk(flavour, answering(b"".join(replies)), client) == replies


@pytest.mark.parametrize("length", [-1, 0, 15, LIMIT + 1, 2**31 - 1, -(2**31)])
def test_an_impossible_length_is_refused_before_anything_is_allocated(flavour, length):
    async def client(stream):
        with pytest.raises(BadMessage):
            await stream.exchange(message(b"ask"), None, LIMIT)
        return stream.closed

    assert talk(flavour, answering(HEADER.pack(length, 1, 1, 2013)), client)


LARGE = [FIRST_BUFFER - 17, FIRST_BUFFER - 16, FIRST_BUFFER, 2 * FIRST_BUFFER + 1, 5_000_000]


@pytest.mark.parametrize("size", LARGE)
def test_a_long_message_is_gathered_in_a_buffer_that_grows(flavour, size):
    reply = message(os.urandom(size))

    async def client(stream):
        got = [await stream.exchange(message(b"ask"), None, 10_000_000) for _ in range(2)]
        return [bytes(one) == reply for one in got]

    assert talk(flavour, answering([reply[:100], reply[100:]], reply), client) == [True, True]


def test_a_forged_length_costs_only_the_memory_of_what_arrives(flavour):
    tracemalloc = pytest.importorskip("tracemalloc")  # which PyPy has not
    start = HEADER.pack(90_000_000, 1, 1, 2013) + b"\0" * 100

    async def client(stream):
        gc.collect()
        tracemalloc.start()
        try:
            with pytest.raises(OSError):
                await stream.exchange(message(b"ask"), None, 100_000_000)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    def script(sock):
        read_message(sock)
        sock.sendall(start)

    assert talk(flavour, script, client) < 5_000_000


@pytest.mark.parametrize("held", [False, True])
def test_a_buffer_grows_to_its_length_and_no_further(held):
    buffer = first_buffer(5 * FIRST_BUFFER)
    assert len(buffer) == FIRST_BUFFER
    buffer[:] = os.urandom(FIRST_BUFFER)
    start = bytes(buffer)
    for size in (2, 4, 5):
        view = memoryview(buffer) if held else None
        buffer = larger_buffer(buffer, 5 * FIRST_BUFFER)
        del view
        assert len(buffer) == size * FIRST_BUFFER
        assert buffer[:FIRST_BUFFER] == start
    assert len(first_buffer(20)) == 20


def test_message_length_accepts_its_limits():
    assert message_length(HEADER.pack(16, 0, 0, 0), 16) == 16
    with pytest.raises(BadMessage):
        message_length(HEADER.pack(17, 0, 0, 0), 16)


@pytest.mark.parametrize("sent", [b"", b"\x20\0", message(b"0123456789")[:-1]])
def test_a_connection_that_ends_early_raises(flavour, sent):
    def script(sock):
        read_message(sock)
        sock.sendall(sent)

    async def client(stream):
        with pytest.raises(OSError, match=r"connection closed|reset"):
            await stream.exchange(message(b"ask"), None, LIMIT)
        return stream.closed

    assert talk(flavour, script, client)


@pytest.mark.parametrize("begun", [b"", message(b"0123456789")[:-1]])
def test_a_missed_deadline_closes_the_stream(flavour, begun):
    def script(sock):
        read_message(sock)
        sock.sendall(begun)
        read_message(sock)

    async def client(stream):
        with pytest.raises(TimeoutError):
            await stream.exchange(message(b"ask"), time.monotonic() + 0.05, LIMIT)
        return stream.closed

    assert talk(flavour, script, client)


def test_a_deadline_of_one_call_does_not_bind_the_next(flavour):
    deadline = time.monotonic() + 2

    def script(sock):
        read_message(sock)
        sock.sendall(message(b"one"))
        read_message(sock)
        while (left := deadline + 0.1 - time.monotonic()) > 0:
            threading.Event().wait(left)
        sock.sendall(message(b"two"))

    async def client(stream):
        await stream.exchange(message(b"ask"), deadline, LIMIT)
        return await stream.exchange(message(b"ask"), None, LIMIT)

    assert talk(flavour, script, client) == message(b"two")


def test_a_closed_stream_raises(flavour):
    async def client(stream):
        stream.close()
        stream.close()
        for attempt in (
            stream.exchange(message(b"ask"), None, LIMIT),
            stream.send(message(b"ask"), None),
            stream.receive(None, LIMIT),
        ):
            with pytest.raises(OSError):
                await attempt
        return stream.is_stale()

    assert talk(flavour, answering(), client)


def test_interrupt_from_another_thread_ends_a_read(flavour):
    asked = threading.Event()

    def script(sock):
        read_message(sock)
        asked.set()
        read_message(sock)

    async def client(stream):
        def interrupt():
            asked.wait(10)
            stream.interrupt()

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(ConnectionClosed):
            await stream.exchange(message(b"ask"), None, LIMIT)
        thread.join()
        return stream.closed

    assert talk(flavour, script, client)


@pytest.mark.parametrize(
    "said",
    [ConnectionResetError, BrokenPipeError, ssl.SSLError, ValueError],
    ids=lambda c: c.__name__,
)
@pytest.mark.parametrize("call", ["exchange", "send", "receive", "finish"])
def test_an_interrupted_call_ends_alike_whatever_the_system_says(monkeypatch, call, said):
    """Which of them it is depends on the system, and for TLS on OpenSSL."""
    first, second = socket.socketpair()
    with first, second:
        stream = blocking.BlockingStream(first)

        def interrupted(*args):
            stream.interrupt()
            raise said("of the system")

        for name in ("_sendall", "_recv"):
            monkeypatch.setattr(stream, name, interrupted)
        arguments = {
            "exchange": (message(b"ask"), None, LIMIT),
            "send": (message(b"ask"), None),
            "receive": (None, LIMIT),
            "finish": (message(b"half")[:5], None, LIMIT),
        }
        with pytest.raises(ConnectionClosed):
            run(getattr(stream, call)(*arguments[call]))
        assert stream.closed


def test_an_idle_stream_is_stale_once_the_peer_spoke_or_left(flavour):
    def script(sock):
        read_message(sock)
        sock.sendall(message(b"one"))
        read_message(sock)
        sock.sendall(message(b"two") + message(b"unasked"))
        read_message(sock)

    async def main(backend):
        stream = await backend.connect(server.address, ConnectOptions(10))
        await stream.exchange(message(b"ask"), None, LIMIT)
        fresh = stream.is_stale()
        await stream.exchange(message(b"ask"), None, LIMIT)
        while not stream.is_stale():
            await backend.sleep(0.001)
        stream.close()
        return fresh

    with scripted(script) as server:
        assert run_on(flavour, main) is False

    async def left(backend):
        stream = await backend.connect(server.address, ConnectOptions(10))
        while not stream.is_stale():
            await backend.sleep(0.001)
        stream.close()

    with scripted(lambda sock: None) as server:
        run_on(flavour, left)


def test_nobody_listens(flavour):
    with scripted(lambda sock: None) as server:
        address = server.address

    async def main(backend):
        with pytest.raises(ConnectionRefusedError):
            await backend.connect(address, ConnectOptions(10))

    run_on(flavour, main)


def test_an_unknown_name_is_an_os_error(flavour):
    async def main(backend):
        with pytest.raises(OSError):
            await backend.connect(("no-such-host.invalid", 27017), ConnectOptions(10))

    run_on(flavour, main)


def test_a_name_with_several_addresses_is_tried_until_one_answers(flavour, monkeypatch):
    with scripted(answering(message(b"hello"))) as server:
        port = server.address[1]
        found = [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)

        async def main(backend):
            stream = await backend.connect(("two.test", port), ConnectOptions(10))
            reply = await stream.exchange(message(b"ask"), None, LIMIT)
            stream.close()
            return reply

        assert run_on(flavour, main) == message(b"hello")


def test_unix_sockets(flavour, tmp_path):
    path = str(tmp_path / "mongodb.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def serve():
        sock, _ = listener.accept()
        with sock:
            sock.sendall(read_message(sock))

    thread = threading.Thread(target=serve)
    thread.start()

    async def main(backend):
        stream = await backend.connect((path, None), ConnectOptions(10))
        reply = await stream.exchange(message(b"echo"), None, LIMIT)
        stream.close()
        return reply

    assert run_on(flavour, main) == message(b"echo")
    thread.join()
    listener.close()


def test_tcp_options_are_set(flavour):
    async def main(backend):
        stream = await backend.connect(server.address, ConnectOptions(10))
        sock = raw_socket(stream)
        options = (
            sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY),
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
            os.get_inheritable(sock.fileno()),
        )
        stream.close()
        return options

    with scripted(answering()) as server:
        assert run_on(flavour, main) == (1, 1, 120, False)


def raw_socket(stream):
    if hasattr(stream, "_sock"):
        return stream._sock
    if hasattr(stream, "_pipe"):
        return stream._pipe.sock
    return stream._transport.get_extra_info("socket")


# -- TLS --


@pytest.fixture(scope="module")
def authority():
    return pytest.importorskip("trustme").CA()


def tls_script(authority, script, name="localhost"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)

    def serve(sock):
        with context.wrap_socket(sock, server_side=True) as wrapped:
            script(wrapped)

    return serve


def test_tls_carries_messages_of_any_size(flavour, authority):
    replies = [message(os.urandom(n)) for n in (3, 100_000, 900_000, 5_000_000)]
    context = ssl.create_default_context()
    authority.configure_trust(context)

    async def main(backend):
        options = ConnectOptions(10, Tls(context))
        stream = await backend.connect(("localhost", server.address[1]), options)
        ask = message(b"ask")
        got = [bytes(await stream.exchange(ask, None, 10_000_000)) for _ in replies]
        stream.close()
        return got

    with scripted(tls_script(authority, answering(*replies))) as server:
        assert run_on(flavour, main) == replies


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("call", ["exchange", "send"])
def test_a_peer_that_reads_slowly_does_not_move_the_deadline(flavour, authority, secure, call):
    """Each piece is taken in time; all of them together are not."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    done = threading.Event()

    def sip(sock):
        while sock.recv(1024) and not done.wait(0.005):
            pass

    async def main(backend):
        options = ConnectOptions(10, Tls(context) if secure else None)
        stream = await backend.connect(("localhost", server.address[1]), options)
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            if call == "send":
                await stream.send(message(bytes(20_000_000)), start + 0.5)
            else:
                await stream.exchange(message(bytes(20_000_000)), start + 0.5, LIMIT)
        done.set()
        assert stream.closed
        return time.monotonic() - start

    with scripted(tls_script(authority, sip) if secure else sip) as server:
        assert run_on(flavour, main) < 10


def test_tls_refuses_another_name(flavour, authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)

    async def main(backend):
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
            await backend.connect(
                ("localhost", server.address[1]), ConnectOptions(10, Tls(context))
            )

    with scripted(tls_script(authority, answering(), name="elsewhere.test")) as server:
        run_on(flavour, main)


def test_tls_against_a_silent_server_ends_at_the_deadline(flavour):
    async def main(backend):
        options = ConnectOptions(0.1, Tls(ssl.create_default_context()))
        with pytest.raises(TimeoutError):
            await backend.connect(("localhost", server.address[1]), options)

    with scripted(lambda sock: read_message(sock)) as server:
        run_on(flavour, main)


# -- what interrupts a call --


def test_ctrl_c_in_the_middle_of_an_exchange_closes_the_stream():
    def script(sock):
        read_message(sock)
        os.kill(os.getpid(), signal.SIGINT)
        read_message(sock)

    async def client(stream):
        with pytest.raises(KeyboardInterrupt):
            await stream.exchange(message(b"ask"), None, LIMIT)
        return stream.closed

    assert talk("blocking", script, client)


@pytest.mark.parametrize("loop_name", EVERYWHERE_ASYNCHRONOUS)
def test_cancelling_an_exchange_closes_the_stream(loop_name):
    async def client(stream):
        task = begin(stream.exchange(message(b"ask"), None, LIMIT))
        await in_thread(asked.wait, 10)
        task.cancel()
        with pytest.raises(WasCancelled):
            await task
        return stream.closed

    asked = threading.Event()

    def script(sock):
        read_message(sock)
        asked.set()
        read_message(sock)

    assert talk(loop_name, script, client)


def test_a_backend_stays_with_its_first_loop():
    backend = AioBackend()

    async def use():
        backend.check()

    asyncio.run(use())
    with pytest.raises(RuntimeError, match="Cannot use AsyncMongoClient in different event loop"):
        asyncio.run(use())


def test_the_blocking_backend_refuses_to_suspend():
    class Suspends:
        def __await__(self):
            yield

    async def suspend():
        await Suspends()

    with pytest.raises(RuntimeError):
        run(suspend())


# -- events and background coroutines --


def test_an_event_is_set_from_another_thread(flavour):
    async def main(backend):
        event = backend.event()
        thread = threading.Thread(target=event.set)
        before = await event.wait(0)
        thread.start()
        after = await event.wait(10)
        thread.join()
        event.clear()
        return before, after, await event.wait(0.001)

    assert run_on(flavour, main) == (False, True, False)


def test_background_coroutines_are_joined(flavour):
    async def main(backend):
        begin, end = backend.event(), backend.event()

        async def work():
            await begin.wait(10)
            end.set()

        task = backend.spawn(work, "work")
        await task.join(0.001)
        begin.set()
        await task.join(10)
        return await end.wait(0)

    assert run_on(flavour, main)


def test_call_runs_a_function(flavour):
    async def main(backend):
        return await backend.call(divmod, 7, 3)

    assert run_on(flavour, main) == (2, 1)


@pytest.mark.parametrize("loop_name", EVERYWHERE_ASYNCHRONOUS)
def test_a_cancelled_wait_leaves_the_event_usable(loop_name):
    async def main(backend):
        event = backend.event()
        task = begin(event.wait())
        await pass_on()
        task.cancel()
        await together(task, return_exceptions=True)
        event.set()
        return await event.wait()

    assert run_on(loop_name, main)
