"""The MongoDB driver: PyMongo's API, synchronous and asynchronous, on one core.

For pytest, of which the distribution has a plugin: PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mongodriver._version import __version__ as _distribution
from mongodriver._version import get_version_string, version, version_tuple
from mongodriver._version import mixed as _mixed

if TYPE_CHECKING:
    from bsonx import has_c
    from mongodriver.asynchronous.mongo_client import AsyncMongoClient
    from mongodriver.collection import ReturnDocument
    from mongodriver.common import MAX_SUPPORTED_WIRE_VERSION, MIN_SUPPORTED_WIRE_VERSION
    from mongodriver.compat.aliases import install_as_pymongo
    from mongodriver.cursor import CursorType
    from mongodriver.execution.timeouts import timeout
    from mongodriver.mongo_client import MongoClient
    from mongodriver.values.read_preferences import ReadPreference
    from mongodriver.values.requests import (
        DeleteMany,
        DeleteOne,
        IndexModel,
        InsertOne,
        ReplaceOne,
        UpdateMany,
        UpdateOne,
    )
    from mongodriver.values.write_concern import WriteConcern

__all__ = [
    "ASCENDING",
    "DESCENDING",
    "GEO2D",
    "GEOSPHERE",
    "HASHED",
    "MAX_SUPPORTED_WIRE_VERSION",
    "MIN_SUPPORTED_WIRE_VERSION",
    "TEXT",
    "AsyncMongoClient",
    "CursorType",
    "DeleteMany",
    "DeleteOne",
    "IndexModel",
    "InsertOne",
    "MongoClient",
    "ReadPreference",
    "ReplaceOne",
    "ReturnDocument",
    "UpdateMany",
    "UpdateOne",
    "WriteConcern",
    "__version__",
    "get_version_string",
    "has_c",
    "install_as_pymongo",
    "timeout",
    "version",
    "version_tuple",
]

#: Both versions: that of the API, to be compared, and behind the "+" that of the distribution.
__version__ = f"{version}+mongodriver.{_distribution}"

if _mixed:  # whichever was installed last, `mongodriver` is not what it should be
    import warnings

    from mongodriver._version import namesake

    warnings.warn(str(namesake()), RuntimeWarning, stacklevel=2)
    del warnings, namesake

#: Sort and index order.
ASCENDING = 1
DESCENDING = -1
#: Kinds of index.
GEO2D = "2d"
GEOSPHERE = "2dsphere"
HASHED = "hashed"
TEXT = "text"

# Where the other public names live. They are imported when they are first asked for: programs that
# import this package for one of its parts, such as every pytest run that loads our plugin, do not
# wait for the whole driver.
_HOMES = {
    "AsyncMongoClient": "mongodriver.asynchronous.mongo_client",
    "CursorType": "mongodriver.cursor",
    "DeleteMany": "mongodriver.operations",
    "DeleteOne": "mongodriver.operations",
    "IndexModel": "mongodriver.operations",
    "InsertOne": "mongodriver.operations",
    "MAX_SUPPORTED_WIRE_VERSION": "mongodriver.common",
    "MIN_SUPPORTED_WIRE_VERSION": "mongodriver.common",
    "MongoClient": "mongodriver.mongo_client",
    "ReadPreference": "mongodriver.read_preferences",
    "ReplaceOne": "mongodriver.operations",
    "ReturnDocument": "mongodriver.collection",
    "UpdateMany": "mongodriver.operations",
    "UpdateOne": "mongodriver.operations",
    "WriteConcern": "mongodriver.write_concern",
    "has_c": "bsonx",
    "install_as_pymongo": "mongodriver.compat.aliases",
    "timeout": "mongodriver.execution.timeouts",
}


def __getattr__(name: str) -> Any:
    """Return a public name or, as with PyMongo, a submodule that was not imported by name."""
    home = _HOMES.get(name)
    if home is not None:
        # By the name the package goes by, which is PyMongo's after `install_as_pymongo`.
        value = getattr(import_module(home.replace("mongodriver", __name__, 1)), name)
        globals()[name] = value
        return value
    if not name.startswith("_"):
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    # With what Python needs to name the nearest one.
    text = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(text, name=name, obj=sys.modules[__name__])


def __dir__() -> list[str]:
    """Return the public names and the modules that are there, not what this one imports."""
    own = {name for name in globals() if name.startswith("__")}
    modules = {name for name in globals() if f"{__name__}.{name}" in sys.modules}
    return sorted({*__all__, *own, *modules})
