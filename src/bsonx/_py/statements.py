"""From documents to what is sent for them where their keys matter, in pure Python.

The twin of ``csrc/core/statements.c``.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from struct import Struct

from bsonx._py.skip import element_bounds
from bsonx.errors import InvalidBSON

__all__ = ["AS_ID", "DELETE", "GROUP", "MERGE", "REPLACE", "UPSERT", "encode_statements"]

AS_ID, UPSERT, REPLACE, MERGE, DELETE, GROUP = range(6)

_pack_int = Struct("<i").pack
_pack_long = Struct("<q").pack
_unpack_int = Struct("<i").unpack
_unpack_double = Struct("<d").unpack

_DOUBLE, _STRING, _DOCUMENT, _ARRAY, _BOOL, _NULL = 0x01, 0x02, 0x03, 0x04, 0x08, 0x0A
_REGEX, _INT32, _INT64 = 0x0B, 0x10, 0x12

#: Type, name and value of an element.
Element = tuple[int, bytes, bytes]


def encode_statements(
    data: bytes, ends: bytes, kind: int, keys: tuple[str, ...]
) -> tuple[bytes, bytes, bytes, list[tuple[int, str]]]:
    """Return (statements, ends, groups, rejects) of documents one behind the other.

    ``ends`` are native uint32. ``kind``: AS_ID gives the documents, the field of the key as their
    ``_id``; UPSERT, REPLACE, MERGE and DELETE statements that find documents by the key; GROUP
    nothing. ``keys`` are names, with dots to reach into documents. ``groups``: a native uint32 for
    each that is not rejected, the same for equal keys. ``rejects``: (index, what is wrong).
    """
    parts: list[bytes] = []
    stops, groups = array("I"), array("I")
    rejects: list[tuple[int, str]] = []
    start = size = 0
    for index, end in enumerate(array("I", ends)):
        if end > len(data) or end - start < 5:
            raise ValueError("the ends do not fit the data")
        document = data[start:end]
        start = end
        try:
            found = _find_key(document, kind, keys)
            if kind in (UPSERT, REPLACE) and any(e[1][:1] == b"$" for e in _elements(document)):
                raise LookupError("names of fields that begin with $ would be taken for operators")
        except LookupError as exc:
            rejects.append((index, str(exc.args[0])))
            continue
        made = _make(document, kind, keys, found)
        parts.append(made)
        size += len(made)
        stops.append(size)
        groups.append(_group(found))
    return b"".join(parts), stops.tobytes(), groups.tobytes(), rejects


def _elements(document: bytes) -> Iterator[Element]:
    pos, end = 4, len(document) - 1
    while pos < end:
        try:
            nul, stop = element_bounds(document, pos, end)
        except InvalidBSON:
            return
        yield document[pos], document[pos + 1 : nul], document[nul + 1 : stop]
        pos = stop


def _find(document: bytes, path: bytes) -> Element | None:
    name, dot, rest = path.partition(b".")
    for element in _elements(document):
        if element[1] == name:
            if not dot:
                return element
            if element[0] != _DOCUMENT or len(element[2]) < 5:
                return None
            return _find(element[2], rest)
    return None


def _find_key(document: bytes, kind: int, keys: tuple[str, ...]) -> list[Element]:
    """Return what a document has at the names of the key; LookupError with a sentence."""
    if kind == AS_ID and _find(document, b"_id") is not None:
        raise LookupError("the record has an _id")
    found = []
    for key in keys:
        element = _find(document, key.encode())
        if element is None:
            raise LookupError(f"the record has no '{key}'")
        if kind != AS_ID:
            # A query for these would find other documents as well.
            if element[0] == _ARRAY:
                raise LookupError(f"the key '{key}' must not be an array")
            if element[0] == _NULL and key != "_id":
                raise LookupError(f"the key '{key}' must not be null")
        found.append(element)
    return found


def _group(found: list[Element]) -> int:
    """Return a number of 32 bits (FNV-1a); numbers that are equal count alike."""
    number = 2166136261
    for kind, _, value in found:
        whole = None
        if kind == _INT32:
            (whole,) = _unpack_int(value)
        elif kind == _DOUBLE:
            (double,) = _unpack_double(value)
            if -9.2e18 <= double <= 9.2e18 and double == int(double):
                whole = int(double)
        hashed = bytes([kind]) + value if whole is None else bytes([_INT64]) + _pack_long(whole)
        for byte in hashed:
            number = ((number ^ byte) * 16777619) & 0xFFFFFFFF
    return number


def _make(document: bytes, kind: int, keys: tuple[str, ...], found: list[Element]) -> bytes:
    if kind == GROUP:
        return b""
    names = {key.encode() for key in keys}
    if kind == AS_ID:
        return _document(_element(found[0][0], b"_id", found[0][2]), _others(document, names))
    query = b"".join(_part(key.encode(), element) for key, element in zip(keys, found, strict=True))
    fields = [_element(_DOCUMENT, b"q", _document(query))]
    if kind == DELETE:
        fields.append(_element(_INT32, b"limit", _pack_int(keys == ("_id",))))
    elif kind == MERGE:
        fields.append(_merge(document, names, keys, found))
    else:
        fields.append(_element(_DOCUMENT, b"u", document))
    if kind in (UPSERT, MERGE):
        fields.append(_element(_BOOL, b"upsert", b"\1"))
    return _document(*fields)


def _part(name: bytes, element: Element) -> bytes:
    """One part of the key, as a query finds what is equal to it."""
    kind, _, value = element
    if kind in (_DOCUMENT, _REGEX):
        return _element(_DOCUMENT, name, _document(_element(kind, b"$eq", value)))
    return _element(kind, name, value)


def _merge(
    document: bytes, names: set[bytes], keys: tuple[str, ...], found: list[Element]
) -> bytes:
    others = [element for element in _elements(document) if element[1] not in names]
    fields = _document(*(_element(*element) for element in others))
    if any(name[:1] == b"$" or b"." in name for _, name, _ in others):
        literal = _document(_element(_DOCUMENT, b"$literal", fields))
        root = _pack_int(7) + b"$$ROOT\0"
        objects = _document(_element(_STRING, b"0", root), _element(_DOCUMENT, b"1", literal))
        stage = _document(
            _element(
                _DOCUMENT,
                b"$replaceWith",
                _document(_element(_ARRAY, b"$mergeObjects", objects)),
            )
        )
        return _element(_ARRAY, b"u", _document(_element(_DOCUMENT, b"0", stage)))
    if others:
        return _element(_DOCUMENT, b"u", _document(_element(_DOCUMENT, b"$set", fields)))
    own = _document(
        *(_element(e[0], key.encode(), e[2]) for key, e in zip(keys, found, strict=True))
    )
    return _element(_DOCUMENT, b"u", _document(_element(_DOCUMENT, b"$setOnInsert", own)))


def _others(document: bytes, names: set[bytes]) -> bytes:
    return b"".join(_element(*e) for e in _elements(document) if e[1] not in names)


def _element(kind: int, name: bytes, value: bytes) -> bytes:
    return bytes([kind]) + name + b"\0" + value


def _document(*elements: bytes) -> bytes:
    content = b"".join(elements)
    return _pack_int(len(content) + 5) + content + b"\0"
