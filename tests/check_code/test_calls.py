"""What is passed: options of clients, parameters of methods, functions and classes."""

from __future__ import annotations

import pytest

from .checking import PREAMBLE, check


def found(folder, program):
    findings = check(folder, PREAMBLE + program)
    return [f"{f.severity} {f.code} {f.message}: {f.remedy}" for f in findings]


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (
            "MongoClient(ssl_ca_certs='a')",
            "error removed the option ssl_ca_certs is gone in PyMongo 4: use tlsCAFile",
        ),
        (
            "MongoClient(waitQueueMultiple=2)",
            "error option the option waitQueueMultiple is refused: any number of operations may "
            "wait for a connection, see waitQueueTimeoutMS",
        ),
        (
            "MongoClient(maxPoolSiz=2)",
            "error option clients have no option maxPoolSiz: is maxpoolsize meant?",
        ),
        (
            "MongoClient(host='mongodb://a/?ssl_certfile=a&w=1')",
            "warning removed the option ssl_certfile is gone in PyMongo 4: use "
            "tlsCertificateKeyFile, one file with the certificate and the key",
        ),
        (
            "MongoClient('mongodb://a/?waitQueueMultiple=5')",
            "error option the option waitQueueMultiple is refused: any number of operations may "
            "wait for a connection, see waitQueueTimeoutMS",
        ),
        (
            "MongoClient(wTimeoutMS=1)",
            ("note deprecated the option wTimeoutMS is deprecated: use timeoutMS"),
        ),
        (
            "coll.find(spec={})",
            "error removed the parameter spec of Collection.find is gone in PyMongo 4: use filter",
        ),
        (
            "coll.find_one(fields=['a'])",
            "error removed the parameter fields of Collection.find_one is gone in PyMongo 4: "
            "use projection",
        ),
        (
            "coll.find(max_scan=5)",
            "warning deprecated the parameter max_scan of Collection.find is deprecated: servers "
            "since 4.2 refuse it: use max_time_ms",
        ),
        (
            "coll.update_one({}, {}, upser=True)",
            "error unsupported Collection.update_one has no parameter upser: is upsert meant?",
        ),
        (
            "coll.delete_one({}, None, None, None, None, 1, 2)",
            "error unsupported Collection.delete_one takes at most 6 arguments by place, not 7: "
            "name them",
        ),
        (
            "import gridfs\ngridfs.GridFS(db, disable_md5=True)",
            "error removed the parameter disable_md5 of gridfs.GridFS is gone in PyMongo 4: files "
            "have no MD5 sum any more: leave it out",
        ),
        (
            "from pymongo.read_preferences import Secondary\nSecondary(hedge={})",
            "warning deprecated the parameter hedge of pymongo.read_preferences.Secondary is "
            "deprecated: servers since 8.0 have deprecated hedged reads: leave it out",
        ),
        (
            "pymongo.collection.Collection(db, 'a', create=True)",
            "warning deprecated the parameter create of pymongo.collection.Collection is "
            "deprecated: use Database.create_collection",
        ),
        (
            "db.list_collection_names(include_system_collections=False)",
            "error removed the parameter include_system_collections of "
            "Database.list_collection_names is gone in PyMongo 4: use "
            'filter={"name": {"$not": {"$regex": "^system\\."}}}',
        ),
        (
            "coll.aggregate([], useCursor=False)",
            "error removed the parameter useCursor of Collection.aggregate is gone in PyMongo 4: "
            "leave it out: the result is always a cursor",
        ),
        (
            "coll.create_index('a', unique=True, drop_dups=True)",
            "error removed the parameter drop_dups of Collection.create_index is gone in PyMongo "
            "4: servers keep duplicates since 3.0: remove them before",
        ),
        (
            "import bson\nbson.decode_all(b'', as_class=dict)",
            "error removed the parameter as_class of bson.decode_all is gone in PyMongo 4: pass "
            "codec_options",
        ),
    ],
)
def test_an_argument_that_is_found(tmp_path, program, expected):
    assert found(tmp_path, program) == [expected]


@pytest.mark.parametrize(
    "program",
    [
        "MongoClient('a', 1, maxPoolSize=5, MAXIDLETIMEMS=3, tz_aware=True, **options)",
        "MongoClient(waitQueueMultiple=None)",
        "from pymongo.read_preferences import Secondary\nSecondary(hedge=None)",
        "MongoClient('mongodb://a/?w=majority&replicaSet=b', tracing=True, tls=True)",
        "MongoClient('a?b=c'); MongoClient(f'mongodb://a/?{x}=1'); MongoClient('mongodb://a/?=')",
        "pymongo.AsyncMongoClient(uri, server_api=a, event_listeners=[])",
        "coll.find({}, {'a': 1}, 0, 5, sort=[('a', 1)], batch_size=3, session=None)",
        "coll.find_one({}, ['a'], **kwargs); coll.find_one(filter={})",
        "coll.create_index('a', unique=True, expireAfterSeconds=3, whatever=1)",
        "coll.aggregate([], allowDiskUse=True, maxTimeMS=3); db.command('ping', a=1)",
        "coll.delete_one(*args, 1, 2, 3, 4, 5, 6, 7)",
        "from bson import json_util, Binary\njson_util.dumps({}, indent=2); Binary(b'', subtype=3)",
        "from pymongo import IndexModel, UpdateOne\nIndexModel('a', name='b'); UpdateOne({}, {})",
        "from bson.codec_options import CodecOptions\nCodecOptions(tz_aware=True, tzinfo=None)",
    ],
)
def test_an_argument_that_is_all_right(tmp_path, program):
    assert found(tmp_path, program) == []
