"""Two versions: of the distribution, and of the PyMongo release whose API it follows.

Libraries compare ``pymongo.version`` to know what they can use: the public names tell the second.
"""

from __future__ import annotations

__all__ = ["__version__", "get_version_string", "version", "version_tuple"]

#: Of the distribution.
__version__ = "0.1.0"

#: Of the API.
version = "4.20.0"
version_tuple: tuple[int | str, ...] = (4, 20, 0)


def get_version_string() -> str:
    """Return the version of the API as a string."""
    return version
