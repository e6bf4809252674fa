"""The operations of GridFS buckets."""

from __future__ import annotations

import io
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ..failures import Unsupported
from ..options import COMMON
from ..values import from_hex
from .base import Call, Operation, snake


def make_bucket(flavour: Any, database: Any, options: Mapping[str, Any]) -> Any:
    """A bucket of a database."""
    name = "GridFSBucket" if flavour.is_sync else "AsyncGridFSBucket"
    make = getattr(import_module("mongodriver.gridfs"), name)
    keywords = {}
    for option, value in options.items():
        if option in COMMON:
            keyword, convert = COMMON[option]
            keywords[keyword] = convert(value)
        elif option in ("bucketName", "chunkSizeBytes", "disableMD5"):
            keywords[snake(option)] = value
        else:
            raise Unsupported(f"bucketOptions: {option}")
    return flavour.wrap(make, database, **keywords)


def _source(document: Any) -> bytes:
    if not isinstance(document, Mapping) or set(document) != {"$$hexBytes"}:
        raise Unsupported(f"a source of bytes: {document!r}")
    return from_hex(document["$$hexBytes"])


async def _upload(call: Call) -> Any:
    call.arguments["source"] = _source(call.arguments["source"])
    call.arguments.pop("disableMD5", None)  # nobody writes one any more
    return await call.target.upload_from_stream(**call.keywords("upload_from_stream"))


async def _upload_with_id(call: Call) -> Any:
    call.arguments["source"] = _source(call.arguments["source"])
    file_id = call.arguments.pop("id")
    call.arguments.pop("disableMD5", None)
    keywords = call.keywords("upload_from_stream_with_id")
    return await call.target.upload_from_stream_with_id(file_id, **keywords)


async def _download(call: Call) -> Any:
    into = io.BytesIO()
    await call.target.download_to_stream(call.arguments.pop("id"), into, **call.arguments)
    return into.getvalue()


async def _download_by_name(call: Call) -> Any:
    keywords = call.keywords("open_download_stream_by_name")
    stream = await call.target.open_download_stream_by_name(**keywords)
    return await stream.read()


async def _find(call: Call) -> Any:
    return await call.target.find(**call.keywords("find")).to_list()


async def _by_id(call: Call, method: str) -> Any:
    file_id = call.arguments.pop("id")
    return await call.method(method)(file_id, **call.keywords(method))


async def _delete(call: Call) -> Any:
    return await _by_id(call, "delete")


async def _rename(call: Call) -> Any:
    return await _by_id(call, "rename")


async def _delete_by_name(call: Call) -> Any:
    return await call.target.delete_by_name(**call.keywords("delete_by_name"))


async def _rename_by_name(call: Call) -> Any:
    return await call.target.rename_by_name(**call.keywords("rename_by_name"))


async def _no_such_method(call: Call) -> Any:
    raise Unsupported("PyMongo has no such method")


_NEEDS = "gridfs.GridFSBucket"
_MORE = "session timeoutMS"

OPERATIONS = {
    "delete": Operation(_delete, "id", _MORE, needs=_NEEDS),
    "deleteByName": Operation(_delete_by_name, "filename", _MORE, needs=_NEEDS),
    "download": Operation(_download, "id", _MORE, needs=_NEEDS),
    "downloadByName": Operation(_download_by_name, "filename", f"revision {_MORE}", needs=_NEEDS),
    "drop": Operation(_no_such_method, "", _MORE),
    "find": Operation(
        _find, "filter", f"sort skip limit batchSize noCursorTimeout {_MORE}", needs=_NEEDS
    ),
    "rename": Operation(_rename, "id newFilename", _MORE, needs=_NEEDS),
    "renameByName": Operation(_rename_by_name, "filename newFilename", _MORE, needs=_NEEDS),
    "upload": Operation(
        _upload,
        "filename source",
        f"chunkSizeBytes disableMD5 metadata contentType {_MORE}",
        needs=_NEEDS,
    ),
    "uploadWithId": Operation(
        _upload_with_id,
        "id filename source",
        f"chunkSizeBytes disableMD5 metadata contentType {_MORE}",
        needs=_NEEDS,
    ),
}
