"""Streams over TLS: all that plain ones do, and what only TLS can do wrong."""

from __future__ import annotations

import os
import socket
import ssl

import pytest
import test_streams
from test_streams import (  # noqa: F401 -- these run here as well, over TLS
    test_a_closed_stream_raises,
    test_a_connection_that_ends_early_raises,
    test_a_deadline_of_one_call_does_not_bind_the_next,
    test_a_forged_length_costs_only_the_memory_of_what_arrives,
    test_a_long_message_is_gathered_in_a_buffer_that_grows,
    test_a_missed_deadline_closes_the_stream,
    test_a_reply_in_single_bytes_is_put_together,
    test_a_request_of_any_size_arrives_whole,
    test_an_impossible_length_is_refused_before_anything_is_allocated,
    test_exchange_returns_one_whole_message,
    test_interrupt_from_another_thread_ends_a_read,
    test_messages_that_come_together_are_read_one_by_one,
    test_send_waits_for_nothing_but_room,
)

from flavours import EVERYWHERE, run_on
from mongodriver.io.base import ConnectOptions, HandshakeFailed
from mongodriver.io.tls import Tls
from scripted import message, read_message, scripted

LIMIT = 1_000_000


@pytest.fixture(params=EVERYWHERE)
def flavour(request):
    return request.param


@pytest.fixture(scope="module")
def authority():
    return pytest.importorskip("trustme").CA()


@pytest.fixture
def trusting(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return Tls(context)


@pytest.fixture(autouse=True)
def over_tls(monkeypatch, authority, trusting):
    """What talks to scripted servers does it over TLS."""

    def talk(flavour, script, client):
        async def main(backend):
            address = ("localhost", server.address[1])
            stream = await backend.connect(address, ConnectOptions(10, trusting))
            try:
                return await client(stream)
            finally:
                stream.close()

        with scripted(test_streams.tls_script(authority, script)) as server:
            return run_on(flavour, main)

    monkeypatch.setattr(test_streams, "talk", talk)


def ask_once(flavour, script, trusting):
    """The error of an exchange with a server."""

    async def main(backend):
        address = ("localhost", server.address[1])
        stream = await backend.connect(address, ConnectOptions(10, trusting))
        with pytest.raises(OSError) as raised:
            await stream.exchange(message(b"ask"), None, LIMIT)
        assert stream.closed
        return raised.value

    with scripted(script) as server:
        return run_on(flavour, main)


def test_bytes_that_are_no_tls(flavour, authority, trusting):
    """Of somebody in between, after the handshake."""

    def script(sock):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        raw = socket.socket(fileno=os.dup(sock.fileno()))
        with raw, context.wrap_socket(sock, server_side=True) as secure:
            read_message(secure)
            raw.sendall(message(b"in clear"))
            secure.recv(1)

    assert isinstance(ask_once(flavour, script, trusting), ssl.SSLError)


@pytest.mark.trio
def test_records_that_come_byte_by_byte(authority, trusting, monkeypatch):
    """In trio, where records are put together here."""
    pytest.importorskip("trio")
    from mongodriver.io.trio_pipes import PlainPipe

    receive_into = PlainPipe.receive_into
    monkeypatch.setattr(PlainPipe, "receive_into", lambda pipe, view: receive_into(pipe, view[:1]))
    reply = message(bytes(40_000))  # so long that it is gathered in place

    def script(secure):
        read_message(secure)
        secure.sendall(reply)
        secure.recv(1)

    async def main(backend):
        address = ("localhost", server.address[1])
        stream = await backend.connect(address, ConnectOptions(10, trusting))
        assert await stream.exchange(message(b"ask"), None, LIMIT) == reply
        stream.close()

    with scripted(test_streams.tls_script(authority, script)) as server:
        run_on("trio", main)


def test_an_end_that_nobody_has_announced(flavour, authority, trusting):
    """Cut off, as anybody in between can do: it is an error like any other end."""

    def script(secure):
        read_message(secure)
        secure.sendall(message(b"half of it")[:20])
        secure.shutdown(socket.SHUT_RDWR)

    ask_once(flavour, test_streams.tls_script(authority, script), trusting)


def test_an_end_that_is_announced(flavour, authority, trusting):
    def script(secure):
        read_message(secure)
        secure.unwrap()

    ask_once(flavour, test_streams.tls_script(authority, script), trusting)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_peer_that_does_not_speak_tls(flavour, trusting, said):
    def script(sock):
        sock.recv(1)
        sock.sendall(said)

    async def main(backend):
        address = ("localhost", server.address[1])
        with pytest.raises((HandshakeFailed, ssl.SSLError)):
            await backend.connect(address, ConnectOptions(10, trusting))

    with scripted(script) as server:
        run_on(flavour, main)
