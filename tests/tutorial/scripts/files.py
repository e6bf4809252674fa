"""The examples of GridFS."""

import sys

import gridfs
from pymongo import MongoClient

client = MongoClient(sys.argv[1])
client.drop_database("gridfs_example")
db = client.gridfs_example
fs = gridfs.GridFS(db)
print(type(fs).__name__)
a = fs.put(b"hello world")
print(type(a).__name__, fs.get(a).read())
b = fs.put(fs.get(a), filename="foo", bar="baz")
out = fs.get(b)
print(out.read(), out.filename, out.bar, out.length, out.chunk_size, out.name)
print(fs.list(), fs.exists(b), fs.exists({"filename": "nope"}))
with fs.new_file(filename="lines", encoding="utf-8") as writer:
    writer.write("one\ntwo\n")
    writer.writelines(["three\n", b"four"])
for line in fs.get_last_version("lines"):
    print(line)
fs.delete(a)
try:
    fs.get(a)
except gridfs.NoFile as exc:
    print(type(exc).__name__)

bucket = gridfs.GridFSBucket(db, bucket_name="big", chunk_size_bytes=4)
for text in (b"first", b"second"):
    bucket.upload_from_stream("name", text, metadata={"length": len(text)})
print(bucket.open_download_stream_by_name("name").read())
print(bucket.open_download_stream_by_name("name", revision=0).read())
for grid_out in bucket.find({"filename": "name"}).sort("length"):
    print(grid_out.length, grid_out.metadata, grid_out.chunk_size)
stream = bucket.open_download_stream_by_name("name")
print(stream.seek(2), stream.read(2), stream.tell(), stream.readchunk())
bucket.rename_by_name("name", "other")
print([f.filename for f in bucket.find()])
bucket.delete_by_name("other")
print(db["big.chunks"].count_documents({}))
client.drop_database("gridfs_example")
