"""Which compressors a client asks for, and which one is used (compression specification)."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

__all__ = ["CompressionSettings", "negotiate", "validate_compressors"]


class _Requirement(NamedTuple):
    modules: tuple[str, ...]
    missing: str


_REQUIREMENTS = {
    "snappy": _Requirement(
        ("snappy",),
        "Wire protocol compression with snappy is not available. "
        "You must install the python-snappy module for snappy support.",
    ),
    "zlib": _Requirement(("zlib",), "The zlib module is not available"),
    "zstd": _Requirement(
        ("compression.zstd", "backports.zstd"),
        "Wire protocol compression with zstandard is not available. "
        "You must install the backports.zstd module for zstandard support.",
    ),
}


class CompressionSettings(NamedTuple):
    """The compressors a client offers, best first, and zlib's level (-1 to 9)."""

    compressors: list[str] = []
    zlib_compression_level: int = -1


def _importable(module: str) -> bool:
    from importlib.util import find_spec  # only for clients that want compression

    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package around it is missing
        return False


def validate_compressors(dummy: Any, value: str | Iterable[str]) -> list[str]:
    """Return the compressors of a comma-separated string or iterable that can be used here.

    Others are left out with a warning.
    """
    names = value.split(",") if isinstance(value, str) else list(value)
    usable = []
    for name in names:
        requirement = _REQUIREMENTS.get(name)
        if requirement is None:
            warnings.warn(f"Unsupported compressor: {name}", stacklevel=2)
        elif not any(map(_importable, requirement.modules)):
            warnings.warn(requirement.missing, stacklevel=2)
        else:
            usable.append(name)
    return usable


def negotiate(offered: Sequence[str], accepted: Sequence[str] | None) -> str | None:
    """Return the compressor to use: the first the server accepts of those `offered`, or None."""
    for name in accepted or ():
        if name in offered:
            return name
    return None
