from typing import Any

from pymongo.cursor import Cursor


def items(cursor: Cursor[dict[str, Any]]) -> None:
    reveal_type(cursor[0])
    reveal_type(cursor[1:3])
    reveal_type(cursor["a"])
    reveal_type(next(cursor))
    reveal_type(cursor.next())
    reveal_type(list(cursor))
    reveal_type(cursor.alive)
    reveal_type(cursor.cursor_id)
    reveal_type(cursor.address)
    reveal_type(cursor.collection)
    reveal_type(cursor.session)
    reveal_type(cursor.distinct("a"))
    reveal_type({row["a"]: row for row in cursor})
    with cursor as same:
        reveal_type(list(same))
