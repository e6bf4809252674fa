"""OP_MSG framing in pure Python.

A message is a 16-byte header, flags, and sections: kind 0 is the command document, kind 1 a named
sequence of documents. See the MongoDB wire protocol's OP_MSG specification.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple

from bsonx._errors import DocumentTooLarge
from bsonx._py.bounds import bad, document_end, inner_end, unknown_type
from bsonx._py.codec import as_bytes
from bsonx._py.decode import Plan, decode_next, decode_top, read_elements
from bsonx._py.encode import encode_document
from bsonx._py.plans import plan_for
from bsonx._py.types.objectid import ObjectId
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions
from bsonx.errors import InvalidBSON

OP_MSG = 2013

_CHECKSUM_PRESENT = 1
_MORE_TO_COME = 2
_REQUIRED_FLAGS = 0xFFFF  # an unknown one of these bits makes the message unreadable

_HEADER = struct.Struct("<iiii")
_PREFIX = struct.Struct("<iiiiIB")  # header, flags, kind of the first section
_SECTION = struct.Struct("<Bi")
_unpack_int = struct.Struct("<i").unpack_from
_unpack_flags = struct.Struct("<I").unpack_from


def message_header(data: Any, offset: int = 0) -> tuple[int, int, int, int]:
    """Return (length, request id, response to, opcode) of the message at ``offset``."""
    if len(data) - offset < _HEADER.size or offset < 0:
        bad("not enough data for a message header", offset)
    return _HEADER.unpack_from(data, offset)


def encode_message(
    request_id: int, flags: int, body: Mapping[str, Any], codec_options: CodecOptions[Any]
) -> bytes:
    """Return one OP_MSG that holds ``body`` alone, header included."""
    document = encode_document(body, False, codec_options)
    size = _PREFIX.size + len(document)
    return _PREFIX.pack(size, request_id, 0, OP_MSG, flags, 0) + document


def encode_batch(
    request_id: int,
    flags: int,
    body: Mapping[str, Any],
    identifier: str,
    documents: Sequence[Any],
    start: int,
    codec_options: CodecOptions[Any],
    *,
    max_count: int,
    max_document_size: int,
    max_message_size: int,
    add_ids: bool = False,
    ids: list[Any] | None = None,
) -> tuple[bytes, int]:
    """Return an OP_MSG with ``documents[start:stop]`` as the sequence ``identifier``, and stop.

    It stops before ``max_count`` documents or ``max_message_size`` bytes are exceeded, and before
    a document of more than ``max_document_size`` bytes; if that is the first one DocumentTooLarge
    is raised. At least one document is taken. ``add_ids`` gives documents without ``_id`` a new
    ObjectId, in the caller's object too; ``ids`` receives each document's ``_id``.
    """
    head = encode_document(body, False, codec_options)
    name = identifier.encode() + b"\0"
    size = _PREFIX.size + len(head) + _SECTION.size + len(name)
    taken: list[bytes] = []
    stop = start
    last = min(len(documents), start + max_count)
    while stop < last or (stop == start and stop < len(documents)):
        document = documents[stop]
        if add_ids:
            _add_id(document)
        encoded = encode_document(document, False, codec_options)
        if len(encoded) > max_document_size:
            if taken:
                break
            raise DocumentTooLarge(stop, len(encoded), max_document_size)
        if taken and size + len(encoded) > max_message_size:
            break
        taken.append(encoded)
        size += len(encoded)
        stop += 1
        if ids is not None:
            ids.append(_id_of(document))
    sequence = b"".join(taken)
    prefix = _PREFIX.pack(size, request_id, 0, OP_MSG, flags, 0)
    section = _SECTION.pack(1, 4 + len(name) + len(sequence))
    return prefix + head + section + name + sequence, stop


def _add_id(document: Any) -> None:
    if isinstance(document, MutableMapping) and "_id" not in document:
        document["_id"] = ObjectId()


def _id_of(document: Any) -> Any:
    # A raw document is left alone, as it would have to be decoded.
    return document.get("_id") if isinstance(document, MutableMapping) else None


def decode_message(
    data: Any,
    codec_options: CodecOptions[Any],
    user_fields: frozenset[str] | None = None,
    joined: bool = False,
) -> tuple[int, Any]:
    """Return (flags, body) of a whole OP_MSG; a document sequence becomes a list in the body.

    With ``user_fields`` the body is decoded with the default options, except the values of those
    fields at the top and in ``cursor``, which are decoded with ``codec_options``. If they are to be
    ``joined``, an array of documents is (bytes with one behind the other, how many they are, where
    the last begins). InvalidBSON for everything malformed.
    """
    data = as_bytes(data)
    length, _, _, opcode = message_header(data)
    if length != len(data):
        bad("message length does not match the data", 0)
    if opcode != OP_MSG:
        bad(f"unexpected opcode {opcode}", 12)
    if len(data) < _PREFIX.size:
        bad("not enough data for a message", 16)
    (flags,) = _unpack_flags(data, 16)
    if flags & _REQUIRED_FLAGS & ~(_CHECKSUM_PRESENT | _MORE_TO_COME):
        bad(f"unknown required flag bits {flags:#x}", 16)
    end = length - 4 if flags & _CHECKSUM_PRESENT else length
    users = _UsersFields(plan_for(codec_options), user_fields, joined)
    return flags, _decode_sections(data, end, users)


class _UsersFields(NamedTuple):
    """What of a reply is the user's (None: everything), and how it is decoded."""

    plan: Plan
    names: frozenset[str] | None
    joined: bool


def _decode_sections(data: bytes, end: int, users: _UsersFields) -> Any:
    body: tuple[int, int] | None = None
    sequences: list[tuple[str, int, int]] = []
    pos = 20
    while pos < end:
        kind = data[pos]
        if kind == 0:
            if body is not None:
                bad("more than one body section", pos)
            body = (pos + 1, document_end(data, pos + 1, end))
            pos = body[1]
        elif kind == 1:
            sequences.append(_sequence_bounds(data, pos + 1, end))
            pos = sequences[-1][2]
        else:
            bad(f"unknown section kind {kind}", pos)
    if body is None:
        bad("no body section", pos)
    return _decode_body(data, body, sequences, users)


def _sequence_bounds(data: bytes, pos: int, end: int) -> tuple[str, int, int]:
    """Return the identifier of the sequence at ``pos`` and the bounds of its documents."""
    if end - pos < 5:
        bad("not enough data for a document sequence", pos)
    (size,) = _unpack_int(data, pos)
    stop = pos + size
    if size < 5 or stop > end:
        bad("invalid document sequence length", pos)
    nul = data.find(b"\0", pos + 4, stop)
    if nul < 0:
        bad("unterminated document sequence identifier", pos + 4)
    try:
        name = data[pos + 4 : nul].decode()
    except UnicodeDecodeError as exc:
        bad(str(exc), pos + 4, exc)
    return name, nul + 1, stop


def _decode_body(
    data: bytes,
    bounds: tuple[int, int],
    sequences: list[tuple[str, int, int]],
    users: _UsersFields,
) -> Any:
    if users.names is None:
        body = _decode_whole(data, *bounds, users.plan)
        if sequences and users.plan.raw:
            body = dict(body)
    else:
        plan = plan_for(DEFAULT_CODEC_OPTIONS)
        body = _read_reply(data, bounds[0] + 4, bounds[1] - 1, plan, users, users.names, 1)
    for name, start, stop in sequences:
        if name in body:
            bad(f"duplicate field {name!r}", start)
        documents = []
        while start < stop:
            document, start = decode_next(data, start, stop, users.plan)
            documents.append(document)
        body[name] = documents
    return body


def _decode_whole(data: bytes, start: int, end: int, plan: Plan) -> Any:
    """Return a reply decoded with one plan. It is no document of a class with typed fields."""
    if plan.typed is None:
        return decode_top(data, start, end, plan)
    return read_elements(data, start + 4, end - 1, plan, 1, {})


def _read_reply(
    data: bytes,
    pos: int,
    end: int,
    plan: Plan,
    users: _UsersFields,
    names: frozenset[str],
    depth: int,
) -> dict[str, Any]:
    """Decode a reply, or its ``cursor``, in which fields of these names have the user's plan."""
    reply: dict[str, Any] = {}
    while pos < end:
        at, nul = pos, data.find(b"\0", pos + 1, end)
        if nul < 0:
            bad("field name too large", at + 1)
        name = plan.key(data[at + 1 : nul], at + 1)
        pos = nul + 1
        if depth == 1 and name == "cursor" and data[at] == 0x03:
            stop = inner_end(data, pos, end)
            reply[name] = _read_reply(data, pos + 4, stop - 1, plan, users, names, 2)
            pos = stop
            continue
        is_users = name in names
        chosen = users.plan if is_users else plan
        if is_users and users.joined and data[at] == 0x04:
            found = _join_documents(data, pos, end)
            if found is not None:
                reply[name], pos = found
                continue
        read = chosen.user_readers.get(data[at])
        if read is None:
            unknown_type(data[at], name, at)
        reply[name], pos = read(data, pos, end, chosen, depth, name)
    return reply


def _join_documents(data: bytes, pos: int, end: int) -> tuple[tuple[bytes, int, int], int] | None:
    """Return the documents of the array at ``pos``, joined, and its end; None for any other."""
    try:
        stop = inner_end(data, pos, end)
        pos += 4
        taken: list[bytes] = []
        size = last = 0
        while pos < stop - 1:
            nul = data.find(b"\0", pos + 1, stop - 1)
            if data[pos] != 0x03 or nul < 0:
                return None
            pos = inner_end(data, nul + 1, stop - 1)
            taken.append(data[nul + 1 : pos])
            last = size
            size += len(taken[-1])
    except InvalidBSON:
        return None  # whoever decodes it says what is wrong
    return (b"".join(taken), len(taken), last), stop
