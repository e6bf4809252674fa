from typing import Any

from gridfs import AsyncGridFS, AsyncGridFSBucket
from pymongo.asynchronous.database import AsyncDatabase


async def files(db: AsyncDatabase[dict[str, Any]]) -> bytes:
    bucket = AsyncGridFSBucket(db)
    async with bucket.open_upload_stream("a") as upload:
        await upload.write(b"...")
    reveal_type(await bucket.upload_from_stream("b", b"..."))
    download = await bucket.open_download_stream_by_name("a")
    reveal_type(download)
    async for found in bucket.find({}):
        reveal_type(found.filename)
    fs = AsyncGridFS(db)
    reveal_type(await fs.get_last_version("a"))
    bucket.delete(3)
    return await download.read()
