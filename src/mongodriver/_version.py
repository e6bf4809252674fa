"""Two versions: of the distribution, and of the PyMongo release whose API it follows.

Libraries compare ``pymongo.version`` to know what they can use: the public names tell the second.
"""

from __future__ import annotations

from os.path import exists

__all__ = [
    "__version__",
    "get_version_string",
    "mixed",
    "namesake",
    "version",
    "version_tuple",
]

#: Of the distribution.
__version__ = "0.1.0"

#: Of the API.
version = "4.20.0"
version_tuple: tuple[int | str, ...] = (4, 20, 0)

#: Whether files of another project's package `mongodriver` lie among ours: one look, of two
#: microseconds, at a file that it has and we have not.
mixed = exists(f"{__file__.rpartition('_version')[0]}mongodriver.py")


def get_version_string() -> str:
    """Return the version of the API as a string."""
    return version


def namesake() -> str | None:
    """Return what to say where another project's distribution `mongodriver` is installed as well.

    It brings a package of the same name, so that each installation overwrites files of the other.
    """
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        other = f"mongodriver {distribution('mongodriver').version}"
    except PackageNotFoundError:
        if not mixed:
            return None
        other = "mongodriver"
    return (
        f"the distribution {other} is installed as well: another project, "
        "whose files and those of mongodriverx overwrite each other. Cure: "
        "pip uninstall mongodriver; pip install --force-reinstall mongodriverx"
    )
