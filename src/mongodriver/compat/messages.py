"""Replies as they came, for those who read them by themselves."""

from __future__ import annotations

from typing import Any

from bsonx import decode
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions
from mongodriver.values.errors import ProtocolError
from mongodriver.wire.checksum import is_intact
from mongodriver.wire.header import (
    BODY_OFFSET,
    CHECKSUM_PRESENT,
    MORE_TO_COME,
    OP_MSG,
    message_flags,
)

__all__ = ["OpMsg"]


class OpMsg:
    """A message of one document.

    :param flags: of the message.
    :param payload_document: the document, encoded.
    """

    __slots__ = ("flags", "payload_document")

    OP_CODE = OP_MSG

    def __init__(self, flags: int, payload_document: bytes) -> None:
        self.flags = flags
        self.payload_document = payload_document

    @classmethod
    def of(cls, message: bytes) -> OpMsg:
        """Take a whole message apart.

        :raises ProtocolError: for one whose document is not whole, or whose checksum is wrong.
        """
        flags = message_flags(message)
        if flags & CHECKSUM_PRESENT:
            if not is_intact(message):
                raise ProtocolError("the checksum of a message is wrong")
            message = message[:-4]
        document = message[BODY_OFFSET:]
        if len(document) < 5 or int.from_bytes(document[:4], "little") != len(document):
            raise ProtocolError("a message must hold one document")
        return cls(flags, document)

    @property
    def more_to_come(self) -> bool:
        """Whether the server sends more without being asked."""
        return bool(self.flags & MORE_TO_COME)

    def raw_command_response(self) -> bytes:
        """The document, encoded."""
        return self.payload_document

    def unpack_response(
        self, codec_options: CodecOptions[Any] = DEFAULT_CODEC_OPTIONS
    ) -> list[Any]:
        """A list of the document."""
        return [decode(self.payload_document, codec_options=codec_options)]
