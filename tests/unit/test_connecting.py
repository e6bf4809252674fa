"""Opening connections: every event loop, names with several addresses, and errors with a reason."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import subprocess
import sys
from importlib.util import find_spec

import pytest

from core_kit import PING, Run, use
from fake_mongod import FakeMongod
from flavours import EVENT_LOOPS, EVERYWHERE, run_on
from mongodriver.cmap.failures import Limits, connection_failure
from mongodriver.errors import ServerSelectionTimeoutError
from mongodriver.io import aio_connect
from mongodriver.io.base import ConnectOptions
from mongodriver.io.blocking import BlockingStream
from scripted import scripted


@pytest.fixture(params=EVERYWHERE)
def flavour(request):
    return request.param


@pytest.fixture(params=EVENT_LOOPS)
def event_loop_name(request):
    return request.param


def why_not(flavour, uri, **options):
    """The text of the error of a client that finds no server, once a check has ended."""

    async def main(client):
        text = "No servers found yet"
        while text.startswith("No servers found yet"):
            with pytest.raises(ServerSelectionTimeoutError) as caught:
                await client.execute(Run(PING))
            text = str(caught.value)
        return text

    return use(flavour, uri, main, serverselectiontimeoutms=300, **options)


# -- the race --


def test_the_first_address_that_answers_wins(event_loop_name, monkeypatch):
    """The others are given up, and what they bring late is closed."""
    begun, given_up = [], []
    late = socket.socket()

    async def connect_one(loop, target):
        begun.append(target)
        if target == "answers":
            return socket.socket()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            given_up.append(target)
            if target == "late":
                return late
            raise

    async def main(backend):
        won = await aio_connect._connect_first(
            backend.loop, ["silent", "late", "answers", "unused"]
        )
        won.close()
        for _ in range(3):
            await asyncio.sleep(0)

    monkeypatch.setattr(aio_connect, "_connect_one", connect_one)
    monkeypatch.setattr(aio_connect, "ATTEMPT_DELAY", 0.01)
    run_on(event_loop_name, main)
    assert begun == ["silent", "late", "answers"]
    assert sorted(given_up) == ["late", "silent"]
    assert late.fileno() == -1


def test_the_last_error_tells_why_no_address_answers(event_loop_name, monkeypatch):
    async def connect_one(loop, target):
        raise OSError(111, f"refused {target}")

    async def main(backend):
        with pytest.raises(OSError, match="refused b"):
            await aio_connect._connect_first(backend.loop, ["a", "b"])

    monkeypatch.setattr(aio_connect, "_connect_one", connect_one)
    run_on(event_loop_name, main)


def test_a_race_that_is_cancelled_leaves_nothing_open(event_loop_name, monkeypatch):
    waiting = []

    async def connect_one(loop, target):
        waiting.append(target)
        try:
            await asyncio.Event().wait()
        finally:
            waiting.remove(target)

    async def main(backend):
        race = asyncio.ensure_future(aio_connect._connect_first(backend.loop, ["a", "b"]))
        while len(waiting) < 2:
            await asyncio.sleep(0)
        race.cancel()
        await asyncio.gather(race, return_exceptions=True)
        await asyncio.sleep(0)
        return len(asyncio.all_tasks()), race.cancelled()

    monkeypatch.setattr(aio_connect, "_connect_one", connect_one)
    monkeypatch.setattr(aio_connect, "ATTEMPT_DELAY", 0.001)
    assert run_on(event_loop_name, main) == (1, True)
    assert waiting == []


def test_a_timeout_while_connecting_closes_the_socket(event_loop_name, monkeypatch):
    made = []

    async def sock_connect(loop, target):
        sock = socket.socket(target[0])
        made.append(sock)
        try:
            await asyncio.Event().wait()
        except BaseException:
            sock.close()
            raise

    async def main(backend):
        with pytest.raises(TimeoutError):
            await backend.connect(("127.0.0.1", 1), ConnectOptions(0.01))

    monkeypatch.setattr(aio_connect, "_connect_one", sock_connect)
    run_on(event_loop_name, main)
    assert [sock.fileno() for sock in made] == [-1]


# -- reasons --


def hang_up(sock):
    sock.recv(16)


def reset(sock):
    sock.recv(16)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("script", [hang_up, reset])
def test_a_port_without_tls_is_told(flavour, script):
    with scripted(script) as server:
        uri = f"mongodb://127.0.0.1:{server.address[1]}/?tls=true&tlsAllowInvalidCertificates=true"
        text = why_not(flavour, uri)
    reason = text.partition("SSL handshake failed: ")[2].partition(": ")[2]
    assert reason
    assert not reason.startswith((" ", "("))


@pytest.mark.parametrize("host", ["a" * 70 + ".com", "a..b"])
def test_what_cannot_be_a_host_name_is_told(flavour, host):
    text = why_not(flavour, f"mongodb://{host}/")
    assert f"not a host name: {host!r}" in text
    assert "bad hello" not in text


@pytest.mark.parametrize(
    "error", [OSError(), ConnectionResetError(), BrokenPipeError(), ConnectionAbortedError()]
)
def test_an_error_without_a_text_is_told_by_its_class(error):
    text = str(connection_failure(error, ("h.test", 1), Limits()))
    assert text == f"h.test:1: {type(error).__name__}"


# -- sockets of others --


class Foreign:
    """A socket as eventlet makes them: it stands for one, and is no subclass of it."""

    def __init__(self, sock, error=None):
        self._real = sock
        self._error = error

    def __getattr__(self, name):
        if self._error is not None and name in ("shutdown", "close"):
            raise self._error
        return getattr(self._real, name)


def test_a_socket_of_another_class_is_shut_down():
    ours, theirs = socket.socketpair()
    stream = BlockingStream(Foreign(ours))
    stream.interrupt()
    assert theirs.recv(1) == b""
    stream.close()
    assert ours.fileno() == -1
    theirs.close()


@pytest.mark.parametrize("error", [AttributeError("shutdown"), ValueError(), OSError()])
def test_nothing_is_raised_on_the_way_out(error):
    ours, theirs = socket.socketpair()
    stream = BlockingStream(Foreign(ours, error))
    stream.interrupt()
    stream.dispose()
    stream.close()
    assert stream.closed
    ours.close()
    theirs.close()


EVENTLET = """
import warnings
warnings.simplefilter("ignore")
import eventlet
eventlet.monkey_patch()
import gc, sys
import mongodriver
client = mongodriver.MongoClient(sys.argv[1])
with eventlet.Timeout(30):
    assert client.admin.command("ping")["ok"] == 1
    client.close()
    left = mongodriver.MongoClient(sys.argv[1])
    left.admin.command("ping")
    del left
    gc.collect()
print("closed")
"""


@pytest.mark.skipif(
    find_spec("eventlet") is None,
    reason="eventlet is not installed; it is not made for every interpreter",
)
def test_eventlet():
    # Not imported here: that alone would put other modules in the place of dnspython's.
    with FakeMongod() as fake:
        path = os.pathsep.join(p for p in sys.path if p)
        done = subprocess.run(
            [sys.executable, "-c", EVENTLET, fake.uri],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PYTHONPATH": path},
        )
    assert (done.returncode, done.stdout) == (0, "closed\n"), done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")
def test_what_fails_at_once_lets_the_loop_go_on(event_loop_name, tmp_path):
    """Or somebody who tries again and again would keep the monitors from their work for ever."""
    path = str(tmp_path / "nobody.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)  # and gone again: connections are refused without any waiting

    async def main(backend):
        turns = []
        backend.loop.call_soon(turns.append, 1)
        with pytest.raises(ConnectionRefusedError):
            await backend.connect((path, None), ConnectOptions())
        return turns

    assert run_on(event_loop_name, main) == [1]
