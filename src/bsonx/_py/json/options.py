"""Options of extended JSON: which dialect is written and how values are read back."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, cast

from bsonx.codec_options import CodecOptions
from bsonx.tz_util import utc

if TYPE_CHECKING:
    from typing import Self


class DatetimeRepresentation:
    """How a datetime is written."""

    LEGACY = 0
    """``{"$date": <milliseconds since the epoch as a number>}``"""

    NUMBERLONG = 1
    """``{"$date": {"$numberLong": "<milliseconds since the epoch>"}}``"""

    ISO8601 = 2
    """``{"$date": "<ISO 8601 text>"}`` from 1970 to 9999, ``NUMBERLONG`` outside."""


class JSONMode:
    """The dialects of extended JSON."""

    LEGACY = 0
    """What drivers wrote before the extended JSON specification."""

    RELAXED = 1
    """Plain JSON numbers and ISO 8601 dates: readable, loses the width of numbers."""

    CANONICAL = 2
    """Every BSON type is kept."""


_MODES = (JSONMode.LEGACY, JSONMode.RELAXED, JSONMode.CANONICAL)
_DATETIMES = (
    DatetimeRepresentation.LEGACY,
    DatetimeRepresentation.NUMBERLONG,
    DatetimeRepresentation.ISO8601,
)
_NAMES = (
    "strict_number_long",
    "datetime_representation",
    "strict_uuid",
    "json_mode",
    "document_class",
    "tz_aware",
    "uuid_representation",
    "unicode_decode_error_handler",
    "tzinfo",
    "type_registry",
    "datetime_conversion",
)


class JSONOptions(CodecOptions[MutableMapping[str, Any]]):
    """Immutable options of :func:`dumps` and :func:`loads`.

    :param strict_number_long: write ``Int64`` as ``{"$numberLong": "..."}`` (canonical: always,
        relaxed: never, legacy: default False).
    :param datetime_representation: a value of :class:`DatetimeRepresentation`; only legacy mode
        leaves the choice.
    :param strict_uuid: write ``uuid.UUID`` as ``$binary``; False (legacy mode only) writes
        ``$uuid``.
    :param json_mode: a value of :class:`JSONMode`.
    :param args: positional arguments of :class:`~bsonx.codec_options.CodecOptions`.
    :param kwargs: keyword arguments of :class:`~bsonx.codec_options.CodecOptions`; with
        ``tz_aware=True`` and no ``tzinfo``, datetimes are read in UTC.

    Raises ValueError for a combination that the mode forbids.
    """

    json_mode: int
    strict_number_long: bool | None
    datetime_representation: int | None
    strict_uuid: bool | None

    def __new__(
        cls,
        strict_number_long: bool | None = None,
        datetime_representation: int | None = None,
        strict_uuid: bool | None = None,
        json_mode: int = JSONMode.RELAXED,
        *args: Any,
        **kwargs: Any,
    ) -> Self:
        kwargs["tz_aware"] = kwargs.get("tz_aware", False)
        if kwargs["tz_aware"]:
            kwargs["tzinfo"] = kwargs.get("tzinfo", utc)
        if datetime_representation not in (*_DATETIMES, None):
            raise ValueError(
                "JSONOptions.datetime_representation must be one of LEGACY, "
                "NUMBERLONG, or ISO8601 from DatetimeRepresentation."
            )
        self = cast("Self", super().__new__(cls, *args, **kwargs))
        if json_mode not in _MODES:
            raise ValueError(
                "JSONOptions.json_mode must be one of LEGACY, RELAXED, or CANONICAL from JSONMode."
            )
        self.json_mode = json_mode
        if json_mode == JSONMode.LEGACY:
            self._set_legacy(strict_number_long, datetime_representation, strict_uuid)
        else:
            self._set_standard(strict_number_long, datetime_representation, strict_uuid)
        return self

    def _set_legacy(
        self, number_long: bool | None, datetimes: int | None, strict_uuid: bool | None
    ) -> None:
        self.strict_number_long = False if number_long is None else number_long
        self.datetime_representation = (
            DatetimeRepresentation.LEGACY if datetimes is None else datetimes
        )
        self.strict_uuid = False if strict_uuid is None else strict_uuid

    def _set_standard(
        self, number_long: bool | None, datetimes: int | None, strict_uuid: bool | None
    ) -> None:
        """Fix the three choices that relaxed and canonical mode do not leave open."""
        relaxed = self.json_mode == JSONMode.RELAXED
        mode = "RELAXED" if relaxed else "CANONICAL"
        name = "ISO8601" if relaxed else "NUMBERLONG"
        fixed = getattr(DatetimeRepresentation, name)
        if number_long not in (None, not relaxed):
            raise ValueError(f"Cannot specify strict_number_long={relaxed} with JSONMode.{mode}")
        if datetimes not in (None, fixed):
            raise ValueError(
                f"datetime_representation must be DatetimeRepresentation.{name} "
                f"or omitted with JSONMode.{mode}"
            )
        if strict_uuid not in (None, True):
            raise ValueError(f"Cannot specify strict_uuid=False with JSONMode.{mode}")
        self.strict_number_long = not relaxed
        self.datetime_representation = fixed
        self.strict_uuid = True

    def _arguments_repr(self) -> str:
        return (
            f"strict_number_long={self.strict_number_long!r}, "
            f"datetime_representation={self.datetime_representation!r}, "
            f"strict_uuid={self.strict_uuid!r}, json_mode={self.json_mode!r}, "
            + super()._arguments_repr()
        )

    def with_options(self, **kwargs: Any) -> JSONOptions:
        """Return a copy with the given options replaced.

        The options of this object are kept otherwise, so changing ``json_mode`` raises ValueError
        where they do not fit the new mode.
        """
        return JSONOptions(**{**self._as_kwargs(), **kwargs})

    def _as_kwargs(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _NAMES}

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]:
        return (), self._as_kwargs()


JSONOptions.__module__ = JSONMode.__module__ = "bsonx.json_util"
DatetimeRepresentation.__module__ = "bsonx.json_util"
