"""A proxy that makes a replica set answer as mongos does, or as services behind a load balancer.

Only what servers say of themselves is changed, and the recovery tokens of transactions are added;
all else, fail points too, is the real server's behind it.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from typing import Any

from bsonx import decode, encode
from bsonx.codec_options import CodecOptions
from bsonx.objectid import ObjectId
from bsonx.op_msg import decode_message, encode_message
from scripted import HEADER, OP_MSG, ScriptedServer, read_message

_OPTIONS: CodecOptions[Any] = CodecOptions()
_OP_REPLY, _OP_QUERY = 1, 2004
_MORE_TO_COME = 2
_HELLOS = (b"hello", b"isMaster", b"ismaster")
_ENDS = (b"commitTransaction", b"abortTransaction")
_IN_TRANSACTION = b"\x08autocommit\0\0"
#: What a member of a replica set says of itself, and no other server.
_OF_MEMBERS = (
    *("arbiterOnly", "arbiters", "electionId", "hidden", "hosts", "isreplicaset", "lastWrite"),
    *("me", "passive", "passives", "primary", "secondary", "setName", "setVersion", "tags"),
)
TOKEN = {"recoveryShardId": "shard0"}


class ShardedProxy:
    """Listens on a free port, in front of one server.

    :param server: the address of a primary.
    :param services: how many services take turns, a connection each, behind a load balancer; 0: it
        is a mongos.
    """

    def __init__(self, server: tuple[str, int], services: int = 0) -> None:
        self._server = server
        self._services = itertools.cycle([ObjectId() for _ in range(services)] or [None])
        self._listener = ScriptedServer(self._serve)
        self.address = self._listener.address

    def close(self) -> None:
        self._listener.close()
        self._listener.hang_up()

    def __enter__(self) -> ShardedProxy:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.close()

    def _serve(self, client: socket.socket) -> None:
        service = next(self._services)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with socket.create_connection(self._server) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            talk = _Conversation(client, server, service)
            back = threading.Thread(target=talk.bring_replies, daemon=True)
            back.start()
            talk.bring_requests()
            back.join()


class _Conversation:
    """One client's connection, and the server's that belongs to it."""

    def __init__(self, client: Any, server: Any, service: ObjectId | None) -> None:
        self._client = client
        self._server = server
        self._service = service
        #: Ids of the requests whose replies are to be changed.
        self._hellos: set[int] = set()
        self._in_transactions: set[int] = set()

    def bring_requests(self) -> None:
        """Pass on what the client sends, until either end hangs up."""
        try:
            while message := read_message(self._client):
                self._server.sendall(self._request(message))
        except OSError:
            pass
        finally:
            self._hang_up()

    def bring_replies(self) -> None:
        """Pass on what the server sends, until either end hangs up."""
        try:
            while message := read_message(self._server):
                self._client.sendall(self._reply(message))
        except OSError:
            pass
        finally:
            self._hang_up()

    def _hang_up(self) -> None:
        for sock in (self._client, self._server):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _request(self, message: bytes) -> bytes:
        _, request_id, _, opcode = HEADER.unpack_from(message)
        if opcode == _OP_QUERY:
            self._hellos.add(request_id)  # nothing else is asked so
            return message
        if opcode != OP_MSG:
            return message
        name = message[26 : message.index(0, 26)]
        if name in _HELLOS:
            self._hellos.add(request_id)
            return _changed(message, lambda body: body.pop("loadBalanced", None))
        if _IN_TRANSACTION in message:
            self._in_transactions.add(request_id)
            if name in _ENDS:
                return _changed(message, lambda body: body.pop("recoveryToken", None))
        return message

    def _reply(self, message: bytes) -> bytes:
        _, reply_id, request_id, opcode = HEADER.unpack_from(message)
        if request_id in self._hellos:
            self._hellos.discard(request_id)
            if opcode == _OP_REPLY:
                return self._introduced_in_reply(message)
            if opcode == OP_MSG:
                if message[16] & _MORE_TO_COME:
                    self._hellos.add(reply_id)  # which the next one answers
                return _changed(message, self._introduce)
        elif request_id in self._in_transactions:
            self._in_transactions.discard(request_id)
            if opcode == OP_MSG:
                return _changed(message, _add_token)
        return message

    def _introduced_in_reply(self, message: bytes) -> bytes:
        body = decode(message[36:], _OPTIONS)
        self._introduce(body)
        content = message[16:36] + encode(body, codec_options=_OPTIONS)
        _, reply_id, request_id, opcode = HEADER.unpack_from(message)
        return HEADER.pack(16 + len(content), reply_id, request_id, opcode) + content

    def _introduce(self, body: dict[str, Any]) -> None:
        """Have a reply to hello say what the server is to be."""
        if not body.get("ok"):
            return
        for name in _OF_MEMBERS:
            body.pop(name, None)
        body["msg"] = "isdbgrid"
        if self._service is not None:
            body["serviceId"] = self._service


def _add_token(body: dict[str, Any]) -> None:
    if body.get("ok"):
        body["recoveryToken"] = TOKEN


def _changed(message: bytes, change: Any) -> bytes:
    """An OP_MSG whose body was changed."""
    _, id, response_to, _ = HEADER.unpack_from(message)
    flags, body = decode_message(message, _OPTIONS)
    change(body)
    changed = bytearray(encode_message(id, flags, body, _OPTIONS))
    changed[8:12] = response_to.to_bytes(4, "little", signed=True)
    return bytes(changed)
