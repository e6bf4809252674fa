"""A file store: aiohttp, which streams files into GridFS and out of it.

python -m mongodriver local -- python examples/aiohttp/files.py

curl --data-binary @photo.jpg -H "Content-Type: image/jpeg" http://127.0.0.1:8080/files/photo.jpg
curl http://127.0.0.1:8080/files
curl -r 0-99 http://127.0.0.1:8080/files/photo.jpg
"""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from mongodriver import AsyncMongoClient
from mongodriver.gridfs import AsyncGridFSBucket, AsyncGridOut, NoFile

BUCKET: web.AppKey[AsyncGridFSBucket] = web.AppKey("bucket")
PIECE = 64 * 1024  # bytes that are in memory for each download

routes = web.RouteTableDef()


async def database(app: web.Application) -> AsyncIterator[None]:
    """Open the client when the application starts, close it when it ends."""
    client: AsyncMongoClient[dict[str, Any]]
    async with AsyncMongoClient(os.environ["MONGODB_URI"], appname="files") as client:
        app[BUCKET] = AsyncGridFSBucket(client.store)
        yield


@routes.get("/files")
async def names(request: web.Request) -> web.Response:
    """The newest revision of each file."""
    newest: dict[str, dict[str, object]] = {}
    async for file in request.app[BUCKET].find({}).sort("uploadDate"):
        newest[file.filename] = {
            "name": file.filename,
            "bytes": file.length,
            "uploaded": file.upload_date.isoformat(),
            **(file.metadata or {}),
        }
    return web.json_response([newest[name] for name in sorted(newest)])


@routes.post("/files/{name}")
async def upload(request: web.Request) -> web.Response:
    """Store what is sent, as it comes. A file is there when it is whole, or not at all."""
    digest = hashlib.sha256()
    try:
        # Leaving the block by an exception aborts the upload.
        async with request.app[BUCKET].open_upload_stream(request.match_info["name"]) as file:
            async for piece in request.content.iter_chunked(PIECE):
                digest.update(piece)
                await file.write(piece)
            metadata = {"type": request.content_type, "sha256": digest.hexdigest()}
            await file.set("metadata", metadata)
    except ConnectionError:  # of the sender: errors of the database are no ConnectionErrors
        raise web.HTTPBadRequest(text="the upload broke off") from None
    return web.json_response({"bytes": file.length, **metadata}, status=201)


@routes.get("/files/{name}")
async def download(request: web.Request) -> web.StreamResponse:
    """Send the newest revision, or the part of it that is asked for."""
    async with await opened(request) as file:
        part = wanted(request, file)
        response = web.StreamResponse(
            status=200 if len(part) == file.length else 206,
            headers={
                "Accept-Ranges": "bytes",
                "Content-Length": str(len(part)),
                "Content-Type": (file.metadata or {}).get("type", "application/octet-stream"),
            },
        )
        if response.status == 206:
            response.headers["Content-Range"] = f"bytes {part[0]}-{part[-1]}/{file.length}"
        await file.seek(part.start)
        try:
            await response.prepare(request)
            left = len(part)
            while left and (piece := await file.read(min(PIECE, left))):
                await response.write(piece)
                left -= len(piece)
            await response.write_eof()
        except ConnectionError:
            pass  # the reader has gone away
        return response


@routes.delete("/files/{name}")
async def remove(request: web.Request) -> web.Response:
    """Delete a file with all its revisions."""
    try:
        await request.app[BUCKET].delete_by_name(request.match_info["name"])
    except NoFile:
        raise web.HTTPNotFound(text="no such file") from None
    return web.Response(status=204)


async def opened(request: web.Request) -> AsyncGridOut:
    """The file that the path names."""
    try:
        return await request.app[BUCKET].open_download_stream_by_name(request.match_info["name"])
    except NoFile:
        raise web.HTTPNotFound(text="no such file") from None


def wanted(request: web.Request, file: AsyncGridOut) -> range:
    """Which of the file's bytes are asked for."""
    everything = range(file.length)
    try:
        part = everything[request.http_range]
    except ValueError:
        part = everything[:0]
    if not part and everything:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"*/{file.length}"})
    return part


def make_app() -> web.Application:
    """The application; what it needs is opened in the event loop that serves."""
    app = web.Application()
    app.add_routes(routes)
    app.cleanup_ctx.append(database)
    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A file store.")
    parser.add_argument("--port", type=int, default=8080)
    web.run_app(make_app(), host="127.0.0.1", port=parser.parse_args().port)
