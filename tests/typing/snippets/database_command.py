from typing import Any

from bson import SON
from bson.codec_options import CodecOptions
from pymongo.database import Database


def command(db: Database[dict[str, Any]]) -> dict[str, Any]:
    options: CodecOptions[SON[str, Any]] = CodecOptions(document_class=SON[str, Any])
    reveal_type(db.command("buildinfo", codec_options=options))
    reveal_type(db.command({"ping": 1}))
    reveal_type(db.command("count", "c", query={"a": 1}))
    reveal_type(db.cursor_command({"find": "c"}))
    return db.command("ping")
