"""The option ``tracing`` and the environment variables behind it (open-telemetry specification)."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

from mongodriver.values.errors import ConfigurationError

__all__ = ["make_spans", "validate_tracing_or_none"]

ENABLED = "OTEL_PYTHON_INSTRUMENTATION_MONGODB_ENABLED"
QUERY_TEXT_MAX_LENGTH = "OTEL_PYTHON_INSTRUMENTATION_MONGODB_QUERY_TEXT_MAX_LENGTH"

_KEYS = ("enabled", "query_text_max_length", "tracer_provider")
_NEEDED = "tracing needs the package opentelemetry-api: pip install mongodriverx[opentelemetry]"


def validate_tracing_or_none(option: str, value: Any) -> Mapping[str, Any] | None:
    """Accept None, or a mapping of some of `_KEYS`."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f"{option} must be a mapping, not {type(value)}")
    unknown = [key for key in value if key not in _KEYS]
    if unknown:
        raise ConfigurationError(
            f"Unknown field of {option}: {unknown[0]!r}. There are {', '.join(_KEYS)}."
        )
    if not isinstance(value.get("enabled", False), bool):
        raise TypeError(f"{option}['enabled'] must be a bool, not {type(value['enabled'])}")
    longest = value.get("query_text_max_length", 0)
    if not isinstance(longest, int) or isinstance(longest, bool):
        raise TypeError(f"{option}['query_text_max_length'] must be an int, not {type(longest)}")
    if longest < 0:
        raise ValueError(f"{option}['query_text_max_length'] must not be negative, it is {longest}")
    return value


def make_spans(option: Mapping[str, Any] | None) -> Any:
    """What makes a client's spans, or None if it has none.

    What the option says comes before the environment.

    :raises ConfigurationError: if the option wants spans, and opentelemetry-api is not installed.
    """
    given = option or {}
    if not given.get("enabled", _is_on(os.environ.get(ENABLED, ""))):
        return None
    try:
        from mongodriver.events.spans import Spans
    except ModuleNotFoundError as exc:
        if not (exc.name or "").startswith("opentelemetry"):
            raise
        if "enabled" in given:
            raise ConfigurationError(_NEEDED) from exc
        warnings.warn(f"{ENABLED} is set, but {_NEEDED}", stacklevel=2)
        return None
    longest = given.get("query_text_max_length")
    if longest is None:
        longest = _length(os.environ.get(QUERY_TEXT_MAX_LENGTH, ""))
    return Spans(longest, given.get("tracer_provider"))


def _is_on(value: str) -> bool:
    return value.strip().lower() in ("1", "true", "yes")


def _length(value: str) -> int:
    """A length from the environment; 0 for what is none."""
    return int(value) if value.strip().isdecimal() else 0
