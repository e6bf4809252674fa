"""Documents that are encoded already: how many of them go into one message."""

from array import array
from itertools import accumulate

import pytest

import bsonx
from mongodriver.values.sequences import EncodedDocuments

MANY = 1000


def documents(*sizes):
    data = b"".join(bytes([number]) * size for number, size in enumerate(sizes))
    return EncodedDocuments(data, memoryview(array("I", accumulate(sizes))))


@pytest.mark.parametrize(
    ("sizes", "start", "count", "room", "largest", "stop"),
    [
        ([10] * 5, 0, MANY, MANY, MANY, 5),
        ([10] * 5, 0, 3, MANY, MANY, 3),
        ([10] * 5, 3, 3, MANY, MANY, 5),
        ([10] * 5, 0, MANY, 30, MANY, 3),
        ([10] * 5, 0, MANY, 29, MANY, 2),
        ([10] * 5, 1, MANY, 29, MANY, 3),
        ([10] * 5, 4, MANY, 29, MANY, 5),
        ([50, 10], 0, MANY, 29, MANY, 1),  # one at least
        ([50, 10], 0, 0, MANY, MANY, 1),
        ([10, 10, 50, 10], 0, MANY, MANY, 49, 2),  # not behind another one
        ([10, 10, 50, 10], 2, MANY, MANY, 49, 3),
        ([10, 10, 50, 10], 3, MANY, MANY, 49, 4),
        ([10, 10, 50, 10], 0, MANY, MANY, 50, 4),
        ([10, 10, 50], 0, 2, MANY, 20, 2),
    ],
)
def test_how_far_a_message_goes(sizes, start, count, room, largest, stop):
    assert documents(*sizes).stop(start, count, room, largest) == stop


def test_single_documents():
    encoded = documents(3, 2, 4)
    assert len(encoded) == 3
    assert [encoded.document(index) for index in range(3)] == [b"\0" * 3, b"\1" * 2, b"\2" * 4]
    assert [encoded.begin(index) for index in range(3)] == [0, 3, 5]


def test_as_events_show_them():
    parts = [bsonx.encode({"n": n}) for n in range(4)]
    encoded = EncodedDocuments(b"".join(parts), memoryview(array("I", accumulate(map(len, parts)))))
    assert [dict(document) for document in encoded[1:3]] == [{"n": 1}, {"n": 2}]


class _Connection:
    max_bson_size = 16 << 20
    max_write_batch_size = 100_000
    max_message_size = 2 << 20  # as before a command is encrypted


class _Execution:
    request_id = stop = 0

    def __init__(self, operation):
        self.operation = operation


def test_a_command_that_is_to_be_encrypted():
    """It is encoded as others are, within smaller limits, and made one document."""
    from mongodriver.crypt.documents import single_document
    from mongodriver.execution.encode import encode
    from mongodriver.ops.encoded_write import EncodedWrite
    from mongodriver.ops.write import WriteTarget
    from mongodriver.write_concern import WriteConcern

    target = WriteTarget("d", "c", bsonx.DEFAULT_CODEC_OPTIONS, WriteConcern())
    sent = [{"_id": n, "x": "x" * 100_000} for n in range(50)]
    operation = EncodedWrite(target, "insert", EncodedDocuments.of(map(bsonx.encode, sent)), False)
    execution, connection = _Execution(operation), _Connection()
    execution.connection = connection
    found = []
    while operation.more():
        message = encode(execution, connection, operation.build(execution))
        assert len(message) <= 2 << 20
        body = bsonx.decode(single_document(message))
        assert {name: body[name] for name in ("insert", "ordered")} == {
            "insert": "c",
            "ordered": False,
        }
        found += body["documents"]
        operation.parse({"ok": 1, "n": len(body["documents"])}, execution)
        operation.start = execution.stop
    assert found == sent
