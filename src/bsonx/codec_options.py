"""Options of encoding and decoding, and conversions for types that BSON does not know."""

from __future__ import annotations

import abc
import datetime
import enum
import functools
import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar, get_origin
from uuid import UUID

from bsonx._markers import Markers as _Markers
from bsonx.binary import (
    ALL_UUID_REPRESENTATIONS,
    UUID_REPRESENTATION_NAMES,
    UuidRepresentation,
)

if TYPE_CHECKING:
    from bsonx._documents import Document

_DocumentType = TypeVar("_DocumentType", bound="Document")

__all__ = [
    "DEFAULT_CODEC_OPTIONS",
    "CodecOptions",
    "DatetimeConversion",
    "TypeCodec",
    "TypeDecoder",
    "TypeEncoder",
    "TypeRegistry",
]


class DatetimeConversion(int, enum.Enum):
    """What BSON datetimes decode to.

    DATETIME: ``datetime``, InvalidBSON out of its range. DATETIME_CLAMP: the nearest ``datetime``.
    DATETIME_MS: always :class:`~bsonx.datetime_ms.DatetimeMS`. DATETIME_AUTO: DatetimeMS out of
    the range of ``datetime``.
    """

    DATETIME = 1
    DATETIME_CLAMP = 2
    DATETIME_MS = 3
    DATETIME_AUTO = 4


class TypeEncoder(abc.ABC):
    """Converts values of one Python type into something that BSON can hold."""

    @property
    @abc.abstractmethod
    def python_type(self) -> Any:
        """The type to convert (exactly this type, no subclasses)."""

    @abc.abstractmethod
    def transform_python(self, value: Any) -> Any:
        """Return what to store for ``value``."""


class TypeDecoder(abc.ABC):
    """Converts decoded values of one type."""

    @property
    @abc.abstractmethod
    def bson_type(self) -> Any:
        """The type, as decoded without this converter."""

    @abc.abstractmethod
    def transform_bson(self, value: Any) -> Any:
        """Return what the user shall see for ``value``."""


class TypeCodec(TypeEncoder, TypeDecoder):
    """Converts in both directions."""


_Codec: TypeAlias = TypeEncoder | TypeDecoder | TypeCodec
_Fallback: TypeAlias = Callable[[Any], Any]


class TypeRegistry:
    """The type converters of a :class:`CodecOptions`.

    ``fallback_encoder`` is called with values that nothing else can encode and returns something
    that can be. TypeError for what is no converter, and for converters of types that BSON knows.
    """

    def __init__(
        self,
        type_codecs: Iterable[_Codec] | None = None,
        fallback_encoder: _Fallback | None = None,
    ) -> None:
        self.__type_codecs = list(type_codecs or [])
        self._fallback_encoder = fallback_encoder
        self._encoder_map: dict[Any, Callable[[Any], Any]] = {}
        self._decoder_map: dict[Any, Callable[[Any], Any]] = {}
        if fallback_encoder is not None and not callable(fallback_encoder):
            raise TypeError(f"fallback_encoder {fallback_encoder!r} is not a callable")
        for codec in self.__type_codecs:
            self.__add(codec)

    def __add(self, codec: _Codec) -> None:
        known = False
        if isinstance(codec, TypeEncoder):
            _refuse_builtin(codec)
            self._encoder_map[codec.python_type] = codec.transform_python
            known = True
        if isinstance(codec, TypeDecoder):
            self._decoder_map[codec.bson_type] = codec.transform_bson
            known = True
        if not known:
            raise TypeError(
                "Expected an instance of TypeEncoder, TypeDecoder, or TypeCodec, "
                f"got {codec!r} instead"
            )

    @property
    def codecs(self) -> list[_Codec]:
        """The converters, in the order given."""
        return self.__type_codecs

    @property
    def fallback_encoder(self) -> _Fallback | None:
        """The function of last resort, or None."""
        return self._fallback_encoder

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(type_codecs={self.__type_codecs!r}, "
            f"fallback_encoder={self._fallback_encoder!r})"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TypeRegistry):
            return NotImplemented
        return (
            self._decoder_map == other._decoder_map
            and self._encoder_map == other._encoder_map
            and self._fallback_encoder == other._fallback_encoder
        )

    __hash__ = None  # type: ignore[assignment]


def _refuse_builtin(codec: TypeEncoder) -> None:
    known = _builtin_base(codec.python_type)
    if known is not None:
        raise TypeError(
            "TypeEncoders cannot change how built-in types are encoded "
            f"(encoder {codec} transforms type {known})"
        )


# With the classes of this package, which have a `_type_marker`, the types of fixed encoding.
_BUILTIN_TYPES = (
    *(bool, bytes, datetime.datetime, dict, float, int, list, str, tuple, type(None)),
    *(UUID, re.Pattern, Mapping),
)


def _builtin_base(candidate: type) -> type | None:
    """Return the class at or above this one whose encoding is fixed."""
    for known in _BUILTIN_TYPES:
        if issubclass(candidate, known):
            return known
    return next((base for base in candidate.__mro__ if "_type_marker" in vars(base)), None)


if TYPE_CHECKING:
    # To type checkers a tuple of one document, as PyMongo's is: so options for documents of a
    # class are options for those of its base.
    class _Options(tuple[_DocumentType], Generic[_DocumentType]):
        document_class: type[_DocumentType]
        tz_aware: bool
        uuid_representation: int
        unicode_decode_error_handler: str | None
        tzinfo: datetime.tzinfo | None
        type_registry: TypeRegistry
        datetime_conversion: int | None
        _fields: tuple[str]

        def _asdict(self) -> dict[str, Any]: ...
        def _replace(self, **kwargs: Any) -> CodecOptions[_DocumentType]: ...
else:

    class _Options(NamedTuple, Generic[_DocumentType]):
        document_class: type[Mapping[str, Any]]
        tz_aware: bool
        uuid_representation: int
        unicode_decode_error_handler: str
        tzinfo: datetime.tzinfo | None
        type_registry: TypeRegistry
        datetime_conversion: DatetimeConversion | None


def _new_options(
    cls: type[Any],
    document_class: type[Any] | None = None,
    tz_aware: bool = False,
    uuid_representation: int | None = UuidRepresentation.UNSPECIFIED,
    unicode_decode_error_handler: str | None = "strict",
    tzinfo: datetime.tzinfo | None = None,
    type_registry: TypeRegistry | None = None,
    datetime_conversion: int | None = DatetimeConversion.DATETIME,
) -> Any:
    """Check the options and make the tuple of them."""
    document_class = document_class or dict
    if not _is_document_class(document_class):
        _check_typed(document_class)
    if not isinstance(tz_aware, bool):
        raise TypeError(f"tz_aware must be True or False, was: tz_aware={tz_aware}")
    if uuid_representation not in ALL_UUID_REPRESENTATIONS:
        raise ValueError("uuid_representation must be a value from bson.binary.UuidRepresentation")
    if not isinstance(unicode_decode_error_handler, str):
        raise TypeError(
            "unicode_decode_error_handler must be a string, "
            f"not {type(unicode_decode_error_handler)}"
        )
    if tzinfo is not None:
        if not isinstance(tzinfo, datetime.tzinfo):
            raise TypeError(f"tzinfo must be an instance of datetime.tzinfo, not {type(tzinfo)}")
        if not tz_aware:
            raise ValueError("cannot specify tzinfo without also setting tz_aware=True")
    type_registry = type_registry or TypeRegistry()
    if not isinstance(type_registry, TypeRegistry):
        raise TypeError(
            f"type_registry must be an instance of TypeRegistry, not {type(type_registry)}"
        )
    return tuple.__new__(
        cls,
        (
            document_class,
            tz_aware,
            uuid_representation,
            unicode_decode_error_handler,
            tzinfo,
            type_registry,
            datetime_conversion,
        ),
    )


def _check_typed(candidate: Any) -> None:
    """Refuse what is no class with typed fields either; its plan is built here."""
    from bsonx._typed.plan import is_document_type, plan_for

    if not is_document_type(candidate):
        raise TypeError(
            "document_class must be dict, bson.son.SON, bson.raw_bson.RawBSONDocument, "
            "or a subclass of collections.abc.MutableMapping"
        )
    plan_for(candidate)


_PROFILE_DEFAULTS = {"tz_aware": True, "uuid_representation": UuidRepresentation.STANDARD}


def _add_profile_defaults(profile: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if profile != "python":
        raise ValueError(f"profile must be 'python' or None, not {profile!r}")
    given = {*_Options._fields[: len(args)], *kwargs}
    kwargs.update({name: v for name, v in _PROFILE_DEFAULTS.items() if name not in given})


_new_options.__qualname__ = "CodecOptions.__new__"  # for messages about arguments


class CodecOptions(_Options[_DocumentType], Generic[_DocumentType]):
    """How to encode and decode; immutable.

    ``document_class``: dict, another MutableMapping class or RawBSONDocument. ``tz_aware``:
    datetimes carry a time zone, UTC or ``tzinfo``. ``uuid_representation``: see
    :class:`~bsonx.binary.UuidRepresentation`. ``unicode_decode_error_handler``: name of a codec
    error handler for invalid UTF-8. TypeError or ValueError for other values.

    Beyond PyMongo, ``document_class`` may also be a class with typed fields (see
    :mod:`bsonx.typed`), and the keyword ``profile="python"`` takes more Python types: Decimal,
    date, time, timedelta, UUID, Enum, set, frozenset, paths, numpy scalars. With it ``tz_aware``
    is True and ``uuid_representation`` STANDARD unless given.
    """

    profile: str | None = None

    if TYPE_CHECKING:

        def __new__(
            cls,
            document_class: type[_DocumentType] | None = None,
            tz_aware: bool = False,
            uuid_representation: int | None = UuidRepresentation.UNSPECIFIED,
            unicode_decode_error_handler: str | None = "strict",
            tzinfo: datetime.tzinfo | None = None,
            type_registry: TypeRegistry | None = None,
            datetime_conversion: int | None = DatetimeConversion.DATETIME,
            *,
            profile: str | None = None,
        ) -> CodecOptions[_DocumentType]: ...
    else:
        # What inspect finds is the signature of PyMongo, without the keyword that is ours.
        @functools.wraps(_new_options)
        def __new__(cls, *args, profile=None, **kwargs):
            if profile is not None:
                _add_profile_defaults(profile, args, kwargs)
            options = _new_options(cls, *args, **kwargs)
            if profile is not None:
                options.profile = profile
            return options

    def _arguments_repr(self) -> str:
        document_class = "dict" if self.document_class is dict else repr(self.document_class)
        uuid_representation = UUID_REPRESENTATION_NAMES.get(
            self.uuid_representation, self.uuid_representation
        )
        return (
            f"document_class={document_class}, tz_aware={self.tz_aware!r}, "
            f"uuid_representation={uuid_representation}, "
            f"unicode_decode_error_handler={self.unicode_decode_error_handler!r}, "
            f"tzinfo={self.tzinfo!r}, type_registry={self.type_registry!r}, "
            f"datetime_conversion={self.datetime_conversion!s}"
            + (f", profile={self.profile!r}" if self.profile is not None else "")
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._arguments_repr()})"

    def with_options(self, **kwargs: Any) -> CodecOptions[Any]:
        """Return a copy with some options replaced."""
        options = {**self._asdict(), "profile": self.profile}
        if kwargs.get("profile") is not None and self.profile is None:
            # What was not chosen before is chosen by the profile.
            options = {k: v for k, v in options.items() if k not in _PROFILE_DEFAULTS or v}
        return CodecOptions(**{**options, **kwargs})

    def __eq__(self, other: object) -> bool:
        if isinstance(other, CodecOptions) and other.profile != self.profile:
            return False
        return tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((tuple.__hash__(self), self.profile)) if self.profile else tuple.__hash__(self)


def _is_document_class(candidate: Any) -> bool:
    candidate = get_origin(candidate) or candidate  # dict[str, int] is dict
    if getattr(candidate, "_type_marker", None) == _Markers.RAW_DOCUMENT:
        return True
    return isinstance(candidate, type) and issubclass(candidate, MutableMapping)


def untyped(options: CodecOptions[Any]) -> CodecOptions[Any]:
    """Return options for what is no document of the user's: dicts instead of typed classes."""
    if options.document_class is dict:
        return options
    from bsonx._typed.plan import typed_plan

    if typed_plan(options.document_class) is None:
        return options
    return options.with_options(document_class=dict)


DEFAULT_CODEC_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions()
