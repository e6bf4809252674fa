from typing import Any

from pymongo.collection import Collection


def names(c: Collection[dict[str, Any]]) -> str:
    reveal_type(c.name)
    reveal_type(c.full_name)
    reveal_type(c.database)
    reveal_type(c.database.client)
    reveal_type(c["sub"])
    reveal_type(c.sub.sub)
    reveal_type(c.write_concern)
    reveal_type(c.read_preference)
    return c
