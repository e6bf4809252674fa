from typing import Any

import gridfs
from pymongo.database import Database


def files(db: Database[dict[str, Any]]) -> str:
    fs = gridfs.GridFS(db)
    reveal_type(fs.put(b"...", filename="a"))
    reveal_type(fs.get("a"))
    reveal_type(fs.get_last_version("a"))
    reveal_type(fs.find_one({"filename": "a"}))
    reveal_type(fs.list())
    reveal_type(fs.exists(filename="a"))
    reveal_type(fs.new_file())
    found = fs.find_one()
    print(found.length)
    return fs.get("a").read()
