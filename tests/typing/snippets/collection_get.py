from typing import Any, TypedDict

from bson.codec_options import CodecOptions
from pymongo import ReadPreference, WriteConcern
from pymongo.database import Database


class Row(TypedDict):
    a: int


def get(db: Database[dict[str, Any]]) -> None:
    reveal_type(db.get_collection("a"))
    reveal_type(db.get_collection("a", codec_options=CodecOptions(tz_aware=True)))
    reveal_type(db.get_collection("a", CodecOptions(document_class=Row)))
    reveal_type(db.get_collection("a", write_concern=WriteConcern(w=1)))
    db.get_collection("a", ReadPreference.PRIMARY)
    db.get_collection()
