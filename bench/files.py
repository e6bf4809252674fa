"""GridFS, sync and async, on one server: files up, down and line by line."""

from __future__ import annotations

import io
import os
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import gridfs

import mongodriver.gridfs
from driver import DATABASE, Server, repeat, repeat_async
from interleaved import Case

MEGABYTE = 1 << 20
LARGE = 16 * MEGABYTE
LINES = 10_000


class Nowhere:
    """A destination that keeps nothing."""

    def write(self, data: bytes) -> None:
        """Take data."""


def buckets(clients: dict[str, Any], prefix: str) -> dict[str, Any]:
    """A bucket of each contender; they share the collections."""
    packages = {"pymongo": gridfs, "ours": mongodriver.gridfs}
    return {
        name: getattr(packages[name], f"{prefix}GridFSBucket")(client[DATABASE])
        for name, client in clients.items()
    }


def stored(server: Server) -> dict[str, Any]:
    """Ids of the files that are read."""
    bucket = gridfs.GridFSBucket(server.sync["pymongo"][DATABASE])
    files = {
        "large": os.urandom(MEGABYTE) * (LARGE // MEGABYTE),
        "small": bytes(1000),
        "text": b"a line of a text that has not very long lines\n" * LINES,
    }
    return {name: bucket.upload_from_stream(name, data) for name, data in files.items()}


def uploads(bucket: Any) -> dict[str, Callable[[], Any]]:
    """Upload from a file."""
    large, small = bytes(LARGE), bytes(1000)
    return {
        "upload 16 MB": lambda: bucket.upload_from_stream("up", io.BytesIO(large)),
        "upload 1 kB": lambda: bucket.upload_from_stream("up", small),
    }


def reads(bucket: Any, ids: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """Read into nowhere, or at once, or by lines."""

    def whole() -> bytes:
        return bucket.open_download_stream(ids["large"]).read()  # type: ignore[no-any-return]

    def small() -> bytes:
        return bucket.open_download_stream(ids["small"]).read()  # type: ignore[no-any-return]

    def lines() -> int:
        return sum(1 for _ in bucket.open_download_stream(ids["text"]))

    return {
        "download 16 MB": lambda: bucket.download_to_stream(ids["large"], Nowhere()),
        "read 16 MB": whole,
        "read 1 kB": small,
        "10k lines": lines,
    }


def reads_async(bucket: Any, ids: dict[str, Any]) -> dict[str, Callable[[], Awaitable[object]]]:
    """As reads."""

    async def whole() -> Any:
        return await (await bucket.open_download_stream(ids["large"])).read()

    async def small() -> Any:
        return await (await bucket.open_download_stream(ids["small"])).read()

    async def lines() -> int:
        return len([line async for line in await bucket.open_download_stream(ids["text"])])

    return {
        "download 16 MB": lambda: bucket.download_to_stream(ids["large"], Nowhere()),
        "read 16 MB": whole,
        "read 1 kB": small,
        "10k lines": lines,
    }


def cases(server: Server) -> Iterator[Case]:
    """Every case in both flavours."""
    ids = stored(server)
    sync = {
        name: {**uploads(bucket), **reads(bucket, ids)}
        for name, bucket in buckets(server.sync, "").items()
    }
    both = {
        name: {**uploads(bucket), **reads_async(bucket, ids)}
        for name, bucket in buckets(server.asynchronous, "Async").items()
    }
    for case in sync["ours"]:
        yield Case("gridfs", case, {name: repeat(work[case]) for name, work in sync.items()})
        runs = {name: repeat_async(server.loop, work[case]) for name, work in both.items()}
        yield Case("gridfs async", case, runs)
