"""A file store: aiohttp, which streams files into GridFS and out of it.

python -m mongodriver local -- python examples/aiohttp/files.py

curl --data-binary @photo.jpg -H "Content-Type: image/jpeg" http://127.0.0.1:8080/files/photo.jpg
curl http://127.0.0.1:8080/files
curl -r 0-99 http://127.0.0.1:8080/files/photo.jpg
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp import web

from mongodriver import AsyncMongoClient
from mongodriver.errors import ConnectionFailure
from mongodriver.gridfs import AsyncGridFSBucket, AsyncGridOut, NoFile

BUCKET: web.AppKey[AsyncGridFSBucket] = web.AppKey("bucket")
ENDING: web.AppKey[asyncio.Event] = web.AppKey("ending")
PIECE = 64 * 1024  # bytes that are in memory for each download
PATIENCE = 5  # seconds for requests that are at work when the service is to end

routes = web.RouteTableDef()


async def database(app: web.Application) -> AsyncIterator[None]:
    """Open the client when the application starts, close it when it ends."""
    client: AsyncMongoClient[dict[str, Any]]
    async with AsyncMongoClient(os.environ["MONGODB_URI"], appname="files") as client:
        app[BUCKET] = AsyncGridFSBucket(client.store)
        yield


async def tell_uploads(app: web.Application) -> None:
    """The application is to end, from which on aiohttp hands on nothing that is sent."""
    app[ENDING].set()


@web.middleware
async def database_is_away(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """No server is there, or a connection was lost where trying again did not help."""
    try:
        return await handler(request)
    except ConnectionFailure:
        raise web.HTTPServiceUnavailable(text="no database") from None


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
        # Leaving the block by an error aborts the upload.
        async with request.app[BUCKET].open_upload_stream(request.match_info["name"]) as file:
            async for piece in sent(request):
                digest.update(piece)
                await file.write(piece)
            metadata = {"type": request.content_type, "sha256": digest.hexdigest()}
            await file.set("metadata", metadata)
    except ConnectionError:  # of the sender: errors of the database are no ConnectionErrors
        raise web.HTTPBadRequest(text="the upload broke off") from None
    return web.json_response({"bytes": file.length, **metadata}, status=201)


async def sent(request: web.Request) -> AsyncIterator[bytes]:
    """What is sent, piece by piece.

    :raises ConnectionError: when it breaks off, or the application is to end.
    """
    ending = asyncio.create_task(request.app[ENDING].wait())
    try:
        while True:
            reading = asyncio.create_task(request.content.read(PIECE))
            await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                reading.cancel()
                raise ConnectionAbortedError
            if not (piece := await reading):
                return
            yield piece
    finally:
        ending.cancel()


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
            left = 0 if request.method == "HEAD" else len(part)
            while left and (piece := await file.read(min(PIECE, left))):
                await response.write(piece)
                left -= len(piece)
            await response.write_eof()
        except ConnectionError:
            pass  # the reader has gone away
        except ConnectionFailure:
            response.force_close()  # which tells the reader that something is missing
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
    app = web.Application(middlewares=[database_is_away])
    app.add_routes(routes)
    app[ENDING] = asyncio.Event()
    app.cleanup_ctx.append(database)
    app.on_shutdown.append(tell_uploads)
    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A file store.")
    parser.add_argument("--port", type=int, default=8080)
    port = parser.parse_args().port
    web.run_app(make_app(), host="127.0.0.1", port=port, shutdown_timeout=PATIENCE)
