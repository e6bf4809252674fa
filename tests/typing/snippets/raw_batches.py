from typing import Any

from bson import decode_all
from pymongo.collection import Collection


def raw(c: Collection[dict[str, Any]]) -> None:
    reveal_type(c.find_raw_batches())
    for batch in c.find_raw_batches({}, limit=3):
        reveal_type(batch)
    reveal_type(c.aggregate_raw_batches([]))
    reveal_type(decode_all(b""))
