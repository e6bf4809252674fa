"""PyMongo's entry among the installed distributions, for libraries that ask for its version.

OpenTelemetry's instrumentation, for one, does nothing where `importlib.metadata` knows none.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, DistributionFinder
from pathlib import Path
from typing import Any

from mongodriver._version import version

__all__ = ["find"]

_FILES = {
    "METADATA": f"Metadata-Version: 2.1\nName: pymongo\nVersion: {version}\n"
    "Summary: PyMongo's API, provided by mongodriverx\n",
    "top_level.txt": "bson\ngridfs\npymongo\n",
}


class _PyMongo(Distribution):
    """What `importlib.metadata` is told of PyMongo."""

    def read_text(self, filename: Any) -> str | None:
        return _FILES.get(str(filename))

    def locate_file(self, path: Any) -> Any:
        return Path(__file__).parents[2] / path


def find(context: Any = None) -> Iterator[Distribution]:
    """Yield PyMongo where it is asked for by its name, or all distributions are.

    :param context: a `DistributionFinder.Context`; None: all.
    """
    name = (context or DistributionFinder.Context()).name
    if name is None or name.lower() == "pymongo":
        yield _PyMongo()
