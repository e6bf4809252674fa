"""One command of a client's bulk write: as many operations as the server's limits allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bsonx import encode
from mongodriver.values.errors import DocumentTooLarge
from mongodriver.values.sequences import DocumentSequences

from .base import COMMAND_OVERHEAD

__all__ = ["Batch"]

#: What a message may have beside the command and its sequences, in bytes: its header, and the
#: fields that all commands have (bulk write specification, total message size).
_MESSAGE_OVERHEAD = 1000

#: What an insert has beside its document, in bytes.
_INSERT = len(encode({"insert": 0, "document": {}})) - len(encode({}))


class Batch:
    """The operations of one command, and the namespaces they refer to by their places.

    :param connection: whose limits count.
    :param size: of the command without its sequences, in bytes.
    :param acknowledged: False: nobody would hear of an error of the server's, so that documents
        it cannot store are refused here.
    """

    def __init__(
        self, connection: Any, size: int, codec_options: Any, acknowledged: bool = True
    ) -> None:
        self._most = connection.max_write_batch_size
        self._room = connection.max_message_size - _MESSAGE_OVERHEAD - size
        self._largest = connection.max_bson_size
        self._codec_options = codec_options
        self._acknowledged = acknowledged
        self._places: dict[Any, int] = {}
        self._ops: list[dict[str, Any]] = []
        self._infos: list[dict[str, Any]] = []
        self._encoded_ops: list[bytes] = []
        self._encoded_infos: list[bytes] = []

    @property
    def sequences(self) -> DocumentSequences:
        """Operations and namespaces, ready to be sent."""
        return DocumentSequences(
            {"ops": self._ops, "nsInfo": self._infos},
            {"ops": self._encoded_ops, "nsInfo": self._encoded_infos},
        )

    def fill(
        self, operations: Sequence[dict[str, Any]], namespaces: Sequence[Any], start: int
    ) -> int:
        """Take operations from `start` on; the index after the last one.

        :raises DocumentTooLarge: where not even the first one fits into a message.
        """
        stop = start
        last = min(len(operations), start + self._most)
        while stop < last and self._add(operations[stop], namespaces[stop]):
            stop += 1
        return stop

    def _add(self, operation: dict[str, Any], namespace: Any) -> bool:
        """Take one operation more; False where it does not fit beside the others."""
        place = self._places.get(namespace)
        info = None
        if place is None:
            place = len(self._places)
            info = self._encode({"ns": namespace})
        kind = next(iter(operation))
        operation[kind] = place
        encoded = self._encode(operation)
        if not self._acknowledged:
            self._check(operation, kind, len(encoded))
        needed = len(encoded) + (0 if info is None else len(info))
        if needed > self._room:
            if self._ops:
                return False
            raise self._too_large(kind, len(encoded) if len(encoded) > self._room else needed)
        self._room -= needed
        if info is not None:
            self._places[namespace] = place
            self._infos.append({"ns": namespace})
            self._encoded_infos.append(info)
        self._ops.append(operation)
        self._encoded_ops.append(encoded)
        return True

    def _encode(self, document: dict[str, Any]) -> bytes:
        return encode(document, codec_options=self._codec_options)

    def _too_large(self, kind: str, size: int) -> DocumentTooLarge:
        if kind == "insert":
            return _document_too_large(size, self._largest + COMMAND_OVERHEAD)
        return DocumentTooLarge(f"{kind} command document too large")

    def _check(self, operation: dict[str, Any], kind: str, size: int) -> None:
        """Raise DocumentTooLarge for a whole document that is larger than documents may be."""
        if size <= self._largest:
            return
        if kind == "insert" and size - _INSERT > self._largest:
            raise _document_too_large(size - _INSERT, self._largest)
        if kind == "update" and _is_whole(operation["updateMods"]):
            document = self._encode(operation["updateMods"])
            if len(document) > self._largest:
                raise DocumentTooLarge("replace command document too large")


def _is_whole(change: Any) -> bool:
    """Whether an update replaces the document, so that it has neither operators nor stages."""
    if isinstance(change, list):
        return False
    first = next(iter(change), "")
    return not (isinstance(first, str) and first.startswith("$"))


def _document_too_large(size: int, limit: int) -> DocumentTooLarge:
    return DocumentTooLarge(
        f"BSON document too large ({size} bytes) - the connected server supports "
        f"BSON document sizes up to {limit} bytes."
    )
