"""Which compressors a client asks for, and which one is used (compression specification)."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

__all__ = ["CompressionSettings", "negotiate", "validate_compressors"]


#: The modules of which one is needed, and the warning where none is there.
_REQUIREMENTS = {
    "snappy": (
        ("snappy",),
        "Wire protocol compression with snappy is not available. "
        "You must install the python-snappy module for snappy support.",
    ),
    "zlib": (("zlib",), "The zlib module is not available"),
    "zstd": (
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
    # Of bytes, which could be iterated over as well, splitting raises TypeError.
    names = value.split(",") if isinstance(value, (str, bytes, bytearray)) else list(value)
    usable = []
    for name in names:
        if name not in _REQUIREMENTS:
            warnings.warn(f"Unsupported compressor: {name}", stacklevel=2)
            continue
        modules, missing = _REQUIREMENTS[name]
        if any(map(_importable, modules)):
            usable.append(name)
        else:
            warnings.warn(missing, stacklevel=2)
    return usable


def negotiate(offered: Sequence[str], accepted: Sequence[str] | None) -> str | None:
    """Return the compressor to use: the first the server accepts of those `offered`, or None."""
    for name in accepted or ():
        if name in offered:
            return name
    return None
