"""The collection that a command about it as a whole is for."""

from typing import Any

__all__ = ["CatalogueTarget"]


class CatalogueTarget:
    """A collection, for commands about it.

    :param write_concern: None within a transaction, where commands have none.
    """

    __slots__ = ("collection", "database", "write_concern")

    def __init__(self, database: str, collection: str, write_concern: Any) -> None:
        self.database = database
        self.collection = collection
        self.write_concern = write_concern
