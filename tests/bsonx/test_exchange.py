"""The exchange in one call: over real sockets, with a peer that does what a test says."""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading

import pytest

from bsonx import op_msg
from bsonx._impl import exchange
from bsonx.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bsonx.errors import InvalidBSON, InvalidDocument
from bsonx.raw_bson import RawBSONDocument

pytestmark = pytest.mark.skipif(exchange is None, reason="C on a POSIX system only")

OPTIONS = CodecOptions()
RAW = CodecOptions(document_class=RawBSONDocument)
MAX = 48_000_000
REQUEST = 77
BATCH = frozenset({"firstBatch"})


class Stream:
    """One end of a pair of sockets, as the driver has it; the other end answers."""

    def __init__(self) -> None:
        self.sock, self.other = socket.socketpair()
        # As the driver's have it: a signal may arrive just before the wait in the kernel.
        look_up_after = struct.pack("@ll", 0, 20_000)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, look_up_after)
        self.closed = False

    def close(self) -> None:
        self.closed = True
        self.sock.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()
        self.other.close()

    def exchange(
        self,
        body=None,
        *,
        timeout=None,
        max_reply=MAX,
        sequence=1 << 24,
        options=OPTIONS,
        reply_options=OPTIONS,
        user_fields=BATCH,
        flags=0,
    ):
        return exchange(
            self,
            self.sock.fileno(),
            timeout,
            max_reply,
            REQUEST,
            flags,
            {"find": "c", "$db": "d"} if body is None else body,
            options,
            sequence,
            reply_options,
            user_fields,
        )


@pytest.fixture
def stream():
    with Stream() as made:
        yield made


def message(document, *, response_to=REQUEST, flags=0, opcode=None):
    data = bytearray(op_msg.encode_message(5, flags, document, OPTIONS))
    struct.pack_into("<i", data, 8, response_to)
    if opcode is not None:
        struct.pack_into("<i", data, 12, opcode)
    return bytes(data)


def answering(stream, *pieces, then=None):
    """Read one request in a thread, send the pieces one by one, maybe do something."""
    seen = []

    def serve():
        data = b""
        while len(data) < 4 or len(data) < struct.unpack_from("<i", data)[0]:
            data += stream.other.recv(1 << 20)
        seen.append(data)
        for piece in pieces:
            stream.other.sendall(piece)
        if then is not None:
            then()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread, seen


REPLY = {"ok": 1.0, "cursor": {"firstBatch": [{"_id": 1, "a": "x"}], "id": 0, "ns": "d.c"}}


def test_a_command_and_its_reply(stream):
    thread, seen = answering(stream, message(REPLY))
    assert stream.exchange() == (0, REPLY)
    thread.join()
    assert op_msg.decode_message(seen[0], OPTIONS) == (0, {"find": "c", "$db": "d"})
    assert struct.unpack_from("<iiii", seen[0]) == (len(seen[0]), REQUEST, 0, 2013)
    assert not stream.closed


def test_a_sequence(stream):
    documents = [{"a": 1}, {"a": 2}, {"a": 3}]
    ids = []
    thread, seen = answering(stream, message({"ok": 1, "n": 2}))
    sequence = ("documents", documents, 1, 1000, 1 << 24, MAX, True, ids)
    outcome = stream.exchange({"insert": "c"}, sequence=sequence, user_fields=None)
    assert outcome == ((0, {"ok": 1, "n": 2}), 3)
    thread.join()
    body = op_msg.decode_message(seen[0], OPTIONS)[1]
    assert body == {"insert": "c", "documents": documents[1:]}
    assert ids == [document["_id"] for document in documents[1:]]
    assert "_id" not in documents[0]


@pytest.mark.parametrize("size", [1, 3, 15, 16, 17, 25, 60])
def test_replies_in_pieces(stream, size):
    data = message(REPLY)
    answering(stream, *(data[i : i + size] for i in range(0, len(data), size)))
    assert stream.exchange() == (0, REPLY)


def test_a_long_reply_and_a_long_command(stream):
    batch = [{"_id": i, "text": "x" * 1000} for i in range(20_000)]
    reply = {"ok": 1, "cursor": {"firstBatch": batch, "id": 0}}
    thread, seen = answering(stream, message(reply))
    command = {"find": "c", "filter": {"text": "y" * 3_000_000}}
    assert stream.exchange(command) == (0, reply)
    thread.join()
    assert op_msg.decode_message(seen[0], OPTIONS)[1] == command


def test_raw_documents_outlive_the_exchange(stream):
    answering(stream, message(REPLY))
    flags, reply = stream.exchange(reply_options=RAW)
    (document,) = reply["cursor"]["firstBatch"]
    assert flags == 0
    assert isinstance(document, RawBSONDocument)
    assert bytes(range(256)) * 200  # something else where the buffer was
    assert document == RawBSONDocument(document.raw)
    assert document["a"] == "x"


@pytest.mark.parametrize(
    "data",
    [
        message(REPLY, response_to=78),
        message(REPLY, opcode=2012),
        message(REPLY, flags=2),
        message(REPLY) + b"more",
        b"",
        message(REPLY)[:10],
        message(REPLY)[:50],
        struct.pack("<i", 15) + bytes(12),
        struct.pack("<i", -1) + bytes(12),
        struct.pack("<iiii", 100_000, 1, REQUEST, 2013),
    ],
    ids=[
        "response",
        "opcode",
        "flags",
        "more",
        "nothing",
        "header",
        "part",
        "short",
        "minus",
        "large",
    ],
)
def test_what_is_no_plain_answer_is_handed_over_as_it_is(stream, data):
    answering(stream, data, then=stream.other.close)
    assert stream.exchange(max_reply=99_999) == data
    assert not stream.closed


def test_a_forged_length_takes_no_memory(stream):
    data = struct.pack("<iiii", MAX, 1, REQUEST, 2013)
    answering(stream, data, then=stream.other.close)
    assert stream.exchange() == data


def test_a_body_that_is_too_large_is_not_sent(stream):
    size = stream.exchange({"find": "x" * 100}, sequence=50)
    assert size == 4 + 1 + len(b"find\0") + 4 + 101 + 1
    stream.other.setblocking(False)
    with pytest.raises(BlockingIOError):
        stream.other.recv(1)


def test_what_cannot_be_encoded_is_not_sent(stream):
    with pytest.raises(InvalidDocument):
        stream.exchange({"find": object()})
    with pytest.raises(op_msg.DocumentTooLarge):
        stream.exchange(sequence=("documents", [{"a": "x" * 100}], 0, 10, 50, MAX, False, None))
    assert not stream.closed
    answering(stream, message(REPLY))
    assert stream.exchange() == (0, REPLY)


def test_what_cannot_be_decoded_leaves_the_socket_in_order(stream):
    data = bytearray(message(REPLY))
    data[25] = 0x60
    answering(stream, bytes(data))
    assert stream.exchange() == data  # whoever goes on with it meets the error
    with pytest.raises(InvalidBSON):
        op_msg.decode_message(data, OPTIONS, BATCH)
    assert not stream.closed
    answering(stream, message(REPLY))
    assert stream.exchange() == (0, REPLY)


def test_a_decoder_of_the_user_may_fail(stream):
    class Failing(TypeDecoder):
        bson_type = str

        def transform_bson(self, value):
            raise LookupError(value)

    answering(stream, message(REPLY))
    options = CodecOptions(type_registry=TypeRegistry([Failing()]))
    assert stream.exchange(reply_options=options) == message(REPLY)
    assert not stream.closed


def test_a_signal_is_not_lost_in_a_decoder_of_the_user(stream):
    class Interrupting(TypeDecoder):
        bson_type = str

        def transform_bson(self, value):
            raise KeyboardInterrupt

    answering(stream, message(REPLY))
    options = CodecOptions(type_registry=TypeRegistry([Interrupting()]))
    with pytest.raises(KeyboardInterrupt):
        stream.exchange(reply_options=options)


@pytest.mark.parametrize("start", [b"", message(REPLY)[:7], message(REPLY)[:40]])
def test_a_time_limit(stream, start):
    answering(stream, start)
    with pytest.raises(TimeoutError, match="timed out"):
        stream.exchange(timeout=0.05)
    assert stream.closed


@pytest.mark.parametrize("timeout", [30, 1e300, float("inf")])
def test_a_time_limit_that_is_kept(stream, timeout):
    data = message(REPLY)
    answering(stream, data[:30], data[30:])
    assert stream.exchange(timeout=timeout) == (0, REPLY)


def test_a_time_limit_counts_for_sending_too(stream):
    with pytest.raises(TimeoutError):
        stream.exchange({"find": "x" * 10_000_000}, timeout=0.05)
    assert stream.closed


def test_a_socket_that_does_not_block(stream):
    stream.sock.setblocking(False)
    answering(stream, message(REPLY))
    assert stream.exchange() == (0, REPLY)


def test_a_connection_that_is_broken(stream):
    stream.other.close()
    with pytest.raises(OSError) as info:
        stream.exchange({"find": "x" * 10_000_000})
    assert not isinstance(info.value, TimeoutError)
    assert stream.closed


def test_a_shutdown_ends_the_wait(stream):
    answering(stream, then=lambda: stream.sock.shutdown(socket.SHUT_RDWR))
    assert stream.exchange() == b""


class Interrupted(Exception):
    pass


def _interrupt(*_):
    raise Interrupted


def test_a_signal_is_handled_while_it_waits(stream):
    before = signal.signal(signal.SIGUSR1, _interrupt)
    try:
        answering(stream, then=lambda: os.kill(os.getpid(), signal.SIGUSR1))
        with pytest.raises(Interrupted):
            stream.exchange()
        assert stream.closed
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_it_goes_on_after_a_signal(stream):
    seen = []
    before = signal.signal(
        signal.SIGUSR1, lambda *_: seen.append(stream.other.send(message(REPLY)))
    )
    try:
        answering(stream, then=lambda: os.kill(os.getpid(), signal.SIGUSR1))
        assert stream.exchange() == (0, REPLY)
        assert seen
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_it_waits_on_where_the_kernel_does_not(stream):
    thread, _ = answering(stream, message(REPLY)[:30], then=lambda: late.start())
    late = threading.Timer(0.1, stream.other.sendall, (message(REPLY)[30:],))
    assert stream.exchange() == (0, REPLY)
    thread.join()


def test_other_threads_run_while_it_waits(stream):
    """The peer is a thread of this process, so this would never end otherwise."""
    answering(stream, message(REPLY))
    assert stream.exchange()


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout": "1"},
        {"max_reply": "x"},
        {"sequence": "x"},
        {"sequence": ("documents",)},
        {"sequence": (1, [], 0, 1, 1, 1, False, None)},
        {"sequence": ("documents", [], 0, 1, 1, 1, False, ())},
        {"flags": -1},
        {"body": [1]},
    ],
)
def test_wrong_arguments(stream, wrong):
    with pytest.raises((TypeError, OverflowError)):
        stream.exchange(**wrong)
    assert not stream.closed


def test_wrong_descriptors(stream):
    for fd in (-1, 1 << 40, "x"):
        with pytest.raises((ValueError, TypeError, OverflowError)):
            exchange(stream, fd, None, MAX, 1, 0, {}, OPTIONS, 1, OPTIONS, None)


def test_a_stream_whose_close_fails(stream):
    class Odd:
        def close(self):
            raise RuntimeError("no")

    stream.other.close()
    fd = stream.sock.fileno()
    with pytest.raises(OSError):
        exchange(
            Odd(), fd, None, MAX, 1, 0, {"a": "x" * 10_000_000}, OPTIONS, 1 << 25, OPTIONS, None
        )


# ---- sequences that are encoded already ----


@pytest.mark.parametrize("size", [0, 1, 5000, 3_000_000])
def test_an_encoded_sequence_is_sent_as_it_is(stream, size):
    import bsonx

    documents = [bsonx.encode({"n": n, "x": "x" * size}) for n in range(3)]
    data = b"in front" + b"".join(documents) + b"behind"
    begin, end = 8, len(data) - 6
    thread, seen = answering(stream, message({"ok": 1}))
    body = {"insert": "c", "$db": "d"}
    assert stream.exchange(body, sequence=(MAX, "documents", data, begin, end)) == (0, {"ok": 1})
    thread.join()
    _, body = op_msg.decode_message(seen[0], OPTIONS)
    assert body == {
        "insert": "c",
        "$db": "d",
        "documents": [{"n": n, "x": "x" * size} for n in range(3)],
    }
    same = op_msg.encode_batch(
        REQUEST, 0, {"insert": "c", "$db": "d"}, "documents", body["documents"], 0, OPTIONS,
        max_count=9, max_document_size=MAX, max_message_size=MAX,
    )  # fmt: skip
    assert seen == [same[0]]


@pytest.mark.parametrize(("begin", "end"), [(-1, 2), (3, 2), (0, 6), (6, 6)])
def test_an_encoded_sequence_lies_in_its_data(stream, begin, end):
    with pytest.raises(ValueError, match="must lie in its data"):
        stream.exchange(sequence=(MAX, "documents", b"12345", begin, end))
    assert not stream.closed


def test_a_body_that_is_too_large_for_its_encoded_sequence(stream):
    assert stream.exchange({"insert": "c" * 100}, sequence=(50, "documents", b"", 0, 0)) > 100
    assert not stream.closed
