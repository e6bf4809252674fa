import io
from typing import Any

from bson import ObjectId
from gridfs import GridFSBucket, NoFile
from pymongo.database import Database


def files(db: Database[dict[str, Any]]) -> bytes:
    bucket = GridFSBucket(db, bucket_name="images", chunk_size_bytes=1024)
    with bucket.open_upload_stream("a.png", metadata={"kind": "png"}) as upload:
        upload.write(b"...")
        reveal_type(upload)
    reveal_type(bucket.upload_from_stream("b", io.BytesIO(b"...")))
    try:
        download = bucket.open_download_stream(ObjectId())
    except NoFile:
        return b""
    reveal_type(download)
    reveal_type(download.length)
    reveal_type(download.upload_date)
    reveal_type(download.metadata)
    reveal_type(download.filename)
    reveal_type(download.readline())
    for found in bucket.find({"filename": "a"}).limit(3):
        reveal_type(found)
    bucket.delete(1)
    bucket.rename(1, 2)
    GridFSBucket("db")
    bucket.open_upload_stream(3)
    return download.read(10)
