"""Two versions: of the distribution, and of the PyMongo release whose API it follows.

Libraries compare ``pymongo.version`` to know what they can use: the public names tell the second.
"""

from __future__ import annotations

__all__ = ["__version__", "get_version_string", "namesake", "version", "version_tuple"]

#: Of the distribution.
__version__ = "0.1.0"

#: Of the API.
version = "4.20.0"
version_tuple: tuple[int | str, ...] = (4, 20, 0)


def get_version_string() -> str:
    """Return the version of the API as a string."""
    return version


def namesake() -> str | None:
    """Return what to say where another project's distribution `mongodriver` is installed as well.

    It brings a package of the same name, so that each installation overwrites files of the other.
    """
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        other = distribution("mongodriver")
    except PackageNotFoundError:
        return None
    return (
        f"the distribution mongodriver {other.version} is installed as well: another project, "
        "whose files and those of mongodriverx overwrite each other. Cure: "
        "pip uninstall mongodriver; pip install --force-reinstall mongodriverx"
    )
