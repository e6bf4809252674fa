"""What is in documents: the fields, and of each the types. The twin of csrc/arrow/inference.c."""

from __future__ import annotations

from typing import Any

from bsonx._errors import ArrowError

from .elements import Broken, binary_of, broken, documents_in, elements, inside
from .kinds import DEPTH

__all__ = ["arrow_types"]

_BITS = {0x7F: 20, 0xFF: 21}
_UUID = 22
_MOST_FIELDS = 20_000


class _Node:
    def __init__(self, name: str) -> None:
        self.name = name
        self.types = 0
        self.row = 0
        self.first = -1
        self.fields: dict[bytes, _Node] = {}
        self.items: _Node | None = None

    def as_tuple(self) -> tuple[Any, ...]:
        fields = tuple(field.as_tuple() for field in self.fields.values())
        items = None if self.items is None else self.items.as_tuple()
        return (self.name, self.types, self.row, self.first, fields, items)


class _Looking:
    def __init__(self) -> None:
        self.row = 0
        self._nodes = 0
        self._depth = 0

    def look_at_elements(self, node: _Node, is_array: bool, document: bytes) -> None:
        if self._depth >= DEPTH:
            raise self._refusal("the documents are nested too deep")
        self._depth += 1
        for code, name, value in elements(document):
            self._look_at(self._child(node, is_array, name), code, value)
        self._depth -= 1

    def _child(self, node: _Node, is_array: bool, name: bytes) -> _Node:
        if is_array:
            if node.items is None:
                node.items = _Node("")
            return node.items
        child = node.fields.get(name)
        if child is not None:
            return child
        try:
            text = name.decode()
        except UnicodeDecodeError:
            raise self._refusal("the name of a field is not UTF-8") from None
        if self._nodes >= _MOST_FIELDS:
            raise self._refusal("the documents have too many different fields: give a schema")
        self._nodes += 1
        child = node.fields[name] = _Node(text)
        return child

    def _refusal(self, problem: str) -> ArrowError:
        return ArrowError(problem, None, self.row)

    def _look_at(self, node: _Node, code: int, value: bytes) -> None:
        bit = _bit_of(code, value)
        if not node.types >> bit & 1:
            node.types |= 1 << bit
            if code not in (0x0A, 0x06):
                node.row = self.row
                if node.first < 0:
                    node.first = bit
        if code in (0x03, 0x04):
            self.look_at_elements(node, code == 0x04, inside(value))


def _bit_of(code: int, value: bytes) -> int:
    if code == 0x05:
        try:
            subtype, data = binary_of(value)
        except Broken:
            return code
        return _UUID if subtype == 4 and len(data) == 16 else code
    return _BITS.get(code, code)


def arrow_types(documents: Any) -> tuple[Any, ...]:
    """Return what is in documents: see csrc/arrow/builder.h."""
    looking = _Looking()
    root = _Node("")
    for document in documents_in(documents):
        try:
            looking.look_at_elements(root, False, document)
        except Broken:
            broken(looking.row)
        looking.row += 1
    return root.as_tuple()
