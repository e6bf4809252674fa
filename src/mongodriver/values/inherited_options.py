"""What client, database and collection have in common: options that are handed down."""

from __future__ import annotations

from typing import Any

from bsonx.codec_options import CodecOptions

from .public_names import known_as
from .read_concern import ReadConcern
from .read_preferences import _ServerMode
from .write_concern import WriteConcern

__all__ = ["BaseObject"]


class BaseObject:
    """Options that are handed down from client to database to collection."""

    def __init__(
        self,
        codec_options: CodecOptions[Any],
        read_preference: _ServerMode,
        write_concern: WriteConcern,
        read_concern: ReadConcern,
    ) -> None:
        if not isinstance(codec_options, CodecOptions):
            raise TypeError("codec_options must be an instance of bson.codec_options.CodecOptions")
        if not isinstance(read_preference, _ServerMode):
            raise TypeError(
                f"{read_preference!r} is not valid for read_preference. See "
                "pymongo.read_preferences for valid options."
            )
        if not isinstance(write_concern, WriteConcern):
            raise TypeError(
                "write_concern must be an instance of pymongo.write_concern.WriteConcern, "
                f"not {type(write_concern)}"
            )
        if not isinstance(read_concern, ReadConcern):
            raise TypeError(
                "read_concern must be an instance of pymongo.read_concern.ReadConcern, "
                f"not {type(read_concern)}"
            )
        self._codec_options = codec_options
        self._read_preference = read_preference
        self._write_concern = write_concern
        self._read_concern = read_concern

    def _inherit(
        self,
        parent: BaseObject,
        codec_options: Any = None,
        read_preference: Any = None,
        write_concern: Any = None,
        read_concern: Any = None,
    ) -> None:
        """What the constructor does, for a child of `parent`: None takes the parent's option."""
        if codec_options is read_preference is write_concern is read_concern is None:
            # Most children: the parent's options were looked at when it was made.
            self._codec_options = parent._codec_options
            self._read_preference = parent._read_preference
            self._write_concern = parent._write_concern
            self._read_concern = parent._read_concern
            return
        BaseObject.__init__(
            self,
            codec_options or parent._codec_options,
            read_preference or parent._read_preference,
            write_concern or parent._write_concern,
            read_concern or parent._read_concern,
        )

    @property
    def codec_options(self) -> CodecOptions[Any]:
        """How documents are encoded and decoded."""
        return self._codec_options

    @property
    def write_concern(self) -> WriteConcern:
        """How writes are acknowledged."""
        return self._write_concern

    @property
    def read_preference(self) -> _ServerMode:
        """Which members answer reads."""
        return self._read_preference

    @property
    def read_concern(self) -> ReadConcern:
        """What reads may see."""
        return self._read_concern


known_as("mongodriver.common", globals())
