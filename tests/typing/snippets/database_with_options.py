from typing import Any, TypedDict

from bson.codec_options import CodecOptions
from pymongo.database import Database
from pymongo.read_preferences import Nearest


class Event(TypedDict):
    kind: str


def options(db: Database[dict[str, Any]]) -> Database[Event]:
    reveal_type(db.with_options(read_preference=Nearest()))
    reveal_type(db.with_options(CodecOptions(document_class=Event)))
    wrong: Database[Event] = db.with_options()
    return db.with_options(codec_options=CodecOptions(document_class=Event))
