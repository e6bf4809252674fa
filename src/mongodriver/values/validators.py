"""Checks of single values: each takes an option's name and a value, returns it normalised.

They raise TypeError for a wrong type and ValueError for a wrong value, and read values of
connection strings ("5", "true") as well as Python's.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence
from typing import Any

from bsonx.codec_options import CodecOptions, DatetimeConversion, TypeRegistry
from bsonx.raw_bson import RawBSONDocument
from mongodriver.values.errors import ConfigurationError
from mongodriver.values.write_concern import validate_boolean

ONE_BILLION = 1_000_000_000
MAX_APPNAME_BYTES = 128


def validate_boolean_or_string(option: str, value: Any) -> bool:
    """Accept a bool, "true" or "false"."""
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise ValueError(f"The value of {option} must be 'true' or 'false'")
        return value == "true"
    return validate_boolean(option, value)


def validate_integer(option: str, value: Any) -> int:
    """Accept an int or its decimal text."""
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            raise ValueError(f"The value of {option} must be an integer") from None
    raise TypeError(f"Wrong type for {option}, value must be an integer, not {type(value)}")


def validate_positive_integer(option: str, value: Any) -> int:
    """Accept an integer of at least 1."""
    number = validate_integer(option, value)
    if number <= 0:
        raise ValueError(f"The value of {option} must be a positive integer")
    return number


def validate_non_negative_integer(option: str, value: Any) -> int:
    """Accept an integer of at least 0."""
    number = validate_integer(option, value)
    if number < 0:
        raise ValueError(f"The value of {option} must be a non negative integer")
    return number


def validate_non_negative_integer_or_none(option: str, value: Any) -> int | None:
    """Accept an integer of at least 0, or None."""
    return None if value is None else validate_non_negative_integer(option, value)


def validate_non_negative_int_or_basestring(option: str, value: Any) -> int | str:
    """Accept an int or a string; a string of digits becomes an int of at least 0."""
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        try:
            number = int(value)
        except ValueError:
            return value
        return validate_non_negative_integer(option, number)
    raise TypeError(
        f"Wrong type for {option}, value must be an non negative integer or a string, "
        f"not {type(value)}"
    )


def validate_string(option: str, value: Any) -> str:
    """Accept a string."""
    if isinstance(value, str):
        return value
    raise TypeError(f"Wrong type for {option}, value must be an instance of str, not {type(value)}")


def validate_string_or_none(option: str, value: Any) -> str | None:
    """Accept a string or None."""
    return None if value is None else validate_string(option, value)


def validate_appname_or_none(option: str, value: Any) -> str | None:
    """Accept a string of at most 128 bytes (UTF-8), or None."""
    if value is None:
        return None
    validate_string(option, value)
    if len(value.encode("utf-8")) > MAX_APPNAME_BYTES:
        raise ValueError(f"{option} must be <= 128 bytes")
    return str(value)


def validate_port(option: str, value: Any) -> int:
    """Accept the number of a TCP port."""
    port = validate_positive_integer(option, value)
    if port > 65535:
        raise ValueError(f"{option} must be an integer between 1 and 65535")
    return port


def validate_readable(option: str, value: Any) -> str | None:
    """Accept the path of a file that can be opened, or None."""
    if value is None:
        return None
    path = validate_string(option, value)
    with open(path):
        return path


def validate_positive_float(option: str, value: Any) -> float:
    """Accept a number above 0 and below one billion, or its text."""
    message = f"{option} must be an integer or float"
    try:
        number = float(value)
    except ValueError:
        raise ValueError(message) from None
    except TypeError:
        raise TypeError(message) from None
    # Too large a number would overflow the platform's timeouts.
    if not 0 < number < ONE_BILLION:
        raise ValueError(f"{option} must be greater than 0 and less than one billion")
    return number


def validate_positive_float_or_zero(option: str, value: Any) -> float:
    """Accept 0, or what `validate_positive_float` does."""
    if value == 0 or value == "0":
        return 0
    return validate_positive_float(option, value)


def validate_timeout_or_none(option: str, value: Any) -> float | None:
    """Accept milliseconds above 0, or None for no limit; return seconds."""
    return None if value is None else validate_positive_float(option, value) / 1000.0


def validate_timeout_or_none_or_zero(option: str, value: Any) -> float | None:
    """Accept milliseconds, or None or 0 for no limit; return seconds or None."""
    if value is None or value == 0 or value == "0":
        return None
    return validate_positive_float(option, value) / 1000.0


def validate_timeout_or_zero(option: str, value: Any) -> float:
    """Accept milliseconds, 0 included; return seconds. ConfigurationError if it is None."""
    if value is None:
        raise ConfigurationError(f"{option} cannot be None")
    if value == 0 or value == "0":
        return 0
    return validate_positive_float(option, value) / 1000.0


def validate_timeoutms(option: Any, value: Any) -> float | None:
    """Accept milliseconds, 0 included, or None; return seconds."""
    return None if value is None else validate_positive_float_or_zero(option, value) / 1000.0


def validate_max_staleness(option: str, value: Any) -> int:
    """Accept seconds above 0, or -1 for no bound."""
    if value == -1 or value == "-1":
        return -1
    return validate_positive_integer(option, value)


def validate_list(option: str, value: Any) -> list[Any]:
    """Accept a list."""
    if isinstance(value, list):
        return value
    raise TypeError(f"{option} must be a list, not {type(value)}")


def validate_list_or_none(option: Any, value: Any) -> list[Any] | None:
    """Accept a list or None."""
    return None if value is None else validate_list(option, value)


def validate_list_or_mapping(option: Any, value: Any) -> None:
    """Accept a list or a mapping."""
    if not isinstance(value, (Mapping, list)):
        raise TypeError(
            f"{option} must either be a list or an instance of dict, bson.son.SON, or any other "
            "type that inherits from collections.Mapping"
        )


def validate_is_mapping(option: str, value: Any) -> None:
    """Accept a mapping."""
    if type(value) is not dict and not isinstance(value, Mapping):
        raise TypeError(
            f"{option} must be an instance of dict, bson.son.SON, or any other type that "
            "inherits from collections.Mapping"
        )


def validate_is_document_type(option: str, value: Any) -> None:
    """Accept a document: a mutable mapping, or raw BSON (by marker, so PyMongo's as well)."""
    if type(value) is not dict and not isinstance(value, (MutableMapping, RawBSONDocument)):
        raise TypeError(
            f"{option} must be an instance of dict, bson.son.SON, "
            "bson.raw_bson.RawBSONDocument, or a type that inherits from "
            "collections.MutableMapping"
        )


def validate_ok_for_replace(replacement: Mapping[str, Any]) -> None:
    """Accept a document without update operators."""
    if type(replacement) is not dict:
        validate_is_mapping("replacement", replacement)
        if isinstance(replacement, RawBSONDocument):
            return  # not parsed for this
    for first in replacement:
        if first.startswith("$"):
            raise ValueError("replacement can not include $ operators")
        break


def document_to_insert(document: Any, codec_options: Any) -> Any:
    """A document to be inserted: of an instance a raw one that has an ``identity``, its ``_id``.

    :raises TypeError: for what is no document.
    """
    if isinstance(document, (MutableMapping, RawBSONDocument)):
        return document
    from .typed_documents import identified  # few give any

    made = identified(document, codec_options)
    validate_is_document_type("document", made)
    return made


def replacement_to_send(replacement: Any, codec_options: Any) -> Any:
    """A document without update operators that replaces another one.

    :raises TypeError: for what is no document.
    :raises ValueError: for one with operators.
    """
    if type(replacement) is not dict and not isinstance(replacement, Mapping):
        from .typed_documents import encoded  # few give any

        replacement = encoded(replacement, codec_options)
    validate_ok_for_replace(replacement)
    return replacement


def validate_ok_for_update(update: Any) -> None:
    """Accept an update document of operators, or a pipeline."""
    if type(update) is not dict:
        validate_list_or_mapping("update", update)
    if not update:
        raise ValueError("update cannot be empty")
    if isinstance(update, list):
        return
    for first in update:
        if not first.startswith("$"):
            raise ValueError("update only works with $ operators")
        break


def validate_is_callable_or_none(option: str, value: Any) -> Callable[..., Any] | None:
    """Accept a callable or None."""
    if value is None or callable(value):
        return value  # type: ignore[no-any-return]
    raise TypeError(f"{option} must be a callable, not {type(value)}")


def validate_nursery_or_none(option: str, value: Any) -> Any:
    """Accept what tasks of trio are started in: a nursery, a task group of AnyIO's, or None."""
    if value is None or (hasattr(value, "start_soon") and hasattr(value, "cancel_scope")):
        return value
    raise TypeError(f"{option} must be a trio.Nursery or an AnyIO task group, not {type(value)}")


def validate_document_class(option: str, value: Any) -> type[Any]:
    """Accept a class for documents: a mutable mapping (a generic alias too), raw BSON, or typed."""
    origin = _origin(value)
    if issubclass(origin, (MutableMapping, RawBSONDocument)):
        return value  # type: ignore[no-any-return]
    try:
        # Classes with typed fields are known to the codec alone.
        CodecOptions(document_class=value)
    except TypeError:
        raise TypeError(
            f"{option} must be dict, bson.son.SON, bson.raw_bson.RawBSONDocument, or a "
            "subclass of collections.MutableMapping"
        ) from None
    return value  # type: ignore[no-any-return]


def _origin(value: Any) -> Any:
    """Return the class behind a generic alias such as `dict[str, int]`."""
    return value if isinstance(value, type) else getattr(value, "__origin__", value)


def validate_type_registry(option: Any, value: Any) -> TypeRegistry | None:
    """Accept a TypeRegistry or None."""
    if value is not None and not isinstance(value, TypeRegistry):
        raise TypeError(f"{option} must be an instance of {TypeRegistry}")
    return value


def validate_tzinfo(dummy: Any, value: Any) -> datetime.tzinfo | None:
    """Accept a tzinfo or None."""
    if value is not None and not isinstance(value, datetime.tzinfo):
        raise TypeError(f"{value} must be an instance of datetime.tzinfo")
    return value


def validate_datetime_conversion(option: Any, value: Any) -> DatetimeConversion | None:
    """Accept a DatetimeConversion by name, number or digits; None is the default."""
    if value is None:
        return DatetimeConversion.DATETIME
    if isinstance(value, str):
        return DatetimeConversion(int(value)) if value.isdigit() else DatetimeConversion[value]
    if isinstance(value, int):
        return DatetimeConversion(value)
    raise TypeError(
        f"{option} must be a str or int representing DatetimeConversion, not {type(value)}"
    )


def is_list_like(value: Any) -> bool:
    """Return whether `value` is a list or tuple of things."""
    return isinstance(value, (MutableSequence, tuple))
