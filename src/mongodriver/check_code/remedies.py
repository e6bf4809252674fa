"""What PyMongo has given up or means to, and what to write instead.

Only words: whether a name is there is asked of this distribution (`installed`), so that nothing
that is listed here by mistake is reported.
"""

from __future__ import annotations

__all__ = [
    "DEPRECATED_MEMBERS",
    "DEPRECATED_NAMES",
    "DEPRECATED_PARAMETERS",
    "FORMER_MEMBERS",
    "FORMER_MODULES",
    "FORMER_NAMES",
    "FORMER_OPTIONS",
    "FORMER_PARAMETERS",
    "FORMER_PROPERTIES",
]

_USERS = "run the command createUser, updateUser or dropUser with Database.command"
_PROFILING = 'run the command profile: database.command("profile", level)'
_LOGIN = "pass username, password and authSource to the client"
_MANIPULATOR = "change documents before they are inserted, or use a TypeCodec"
_BULK = "collect InsertOne, UpdateOne, ... in a list and pass it to bulk_write"
_LAST_ERROR = "read the result of the write, or the exception it raises"
_OPTIONS = "with_options and get_collection take codec_options, read_preference and write_concern"
_AGGREGATE = "use aggregate"

#: Modules, and what stands in their place.
FORMER_MODULES: dict[str, str] = {
    **{
        f"pymongo.{name}": f"the module is bson.{name}"
        for name in (
            *("binary", "code", "dbref", "json_util", "max_key", "min_key", "objectid", "regex"),
            *("son", "timestamp", "tz_util"),
        )
    },
    "pymongo.bson": "import bson",
    "pymongo.bulk": "bulk_write takes a list of requests; their classes are in pymongo.operations",
    "pymongo.connection": "use pymongo.MongoClient",
    "pymongo.cursor_manager": "cursors kill themselves; close them, or use them in a with block",
    "pymongo.ismaster": "use pymongo.hello.Hello",
    "pymongo.master_slave_connection": "use pymongo.MongoClient with replicaSet",
    "pymongo.mongo_replica_set_client": "use pymongo.MongoClient with replicaSet",
    "pymongo.replica_set_connection": "use pymongo.MongoClient with replicaSet",
    "pymongo.son_manipulator": _MANIPULATOR,
    "pymongo.thread_util": "use the module threading",
    "bson.py3compat": "Python 2 is gone: use str, bytes and io directly",
}

#: Classes, functions and constants.
FORMER_NAMES: dict[str, str] = {
    "pymongo.ALL": _PROFILING,
    "pymongo.OFF": _PROFILING,
    "pymongo.SLOW_ONLY": _PROFILING,
    "pymongo.Connection": "use pymongo.MongoClient",
    "pymongo.GEOHAYSTACK": 'servers have no haystack indexes since 5.0: use "2d" or GEOSPHERE',
    "pymongo.MongoReplicaSetClient": "use pymongo.MongoClient with replicaSet",
    "pymongo.ReplicaSetConnection": "use pymongo.MongoClient with replicaSet",
    "pymongo.errors.CertificateError": "a failed certificate is a ConnectionFailure",
    "pymongo.errors.ConnectionPoolError": "use WaitQueueTimeoutError",
    "pymongo.errors.ExceededMaxWaiters": "use WaitQueueTimeoutError, and waitQueueTimeoutMS",
    "pymongo.errors.NotMasterError": "use NotPrimaryError",
    "pymongo.errors.TimeoutError": "use PyMongoError.timeout",
    "pymongo.errors.UnsupportedOption": "use ConfigurationError",
    "pymongo.encryption.TextOpts": "use StringOpts",
    "pymongo.encryption_options.TextOpts": "use StringOpts",
    "pymongo.encryption.Algorithm.RANGEPREVIEW": "use Algorithm.RANGE",
    "pymongo.encryption.QueryType.RANGEPREVIEW": "use QueryType.RANGE",
    "pymongo.encryption.QueryType.PREFIXPREVIEW": "use QueryType.PREFIX",
    "pymongo.encryption.QueryType.SUFFIXPREVIEW": "use QueryType.SUFFIX",
    "pymongo.encryption.QueryType.SUBSTRINGPREVIEW": "use QueryType.SUBSTRING",
    "bson.BSON.from_dict": "use bson.encode",
    "bson.BSON.to_dict": "use bson.decode",
    "bson.binary.UUIDLegacy": "use Binary.from_uuid(value, UuidRepresentation.PYTHON_LEGACY)",
    "bson.dumps": "that is of another package named bson; here it is bson.encode",
    "bson.loads": "that is of another package named bson; here it is bson.decode",
    "bson.json_util.STRICT_JSON_OPTIONS": "use RELAXED_JSON_OPTIONS or CANONICAL_JSON_OPTIONS",
    "bson.json_util.JSONMode.STRICT": "use JSONMode.RELAXED or JSONMode.CANONICAL",
}

#: Methods, by the base of their class's kind.
FORMER_MEMBERS: dict[str, dict[str, str]] = {
    "MongoClient": {
        "close_cursor": "close the cursor",
        "copy_database": "use mongodump and mongorestore",
        "database_names": "use list_database_names",
        "disconnect": "use close",
        "end_request": "use a session: start_session",
        "fsync": 'run the command fsync: client.admin.command("fsync")',
        "in_request": "use a session: start_session",
        "kill_cursors": "close the cursor, or run the command killCursors",
        "set_cursor_manager": "cursors kill themselves; close them, or use them in a with block",
        "start_request": "use a session: start_session",
        "unlock": 'run the command fsyncUnlock: client.admin.command("fsyncUnlock")',
    },
    "Database": {
        "add_son_manipulator": _MANIPULATOR,
        "add_user": _USERS,
        "authenticate": _LOGIN,
        "collection_names": "use list_collection_names",
        "current_op": "aggregate([{'$currentOp': {}}]) on the database admin",
        "error": _LAST_ERROR,
        "eval": "servers do not run JavaScript so since 4.2: use aggregate, or run the code here",
        "last_status": _LAST_ERROR,
        "logout": "close the client, and make one with another user",
        "previous_error": _LAST_ERROR,
        "profiling_info": "read the collection system.profile",
        "profiling_level": _PROFILING,
        "remove_user": _USERS,
        "reset_error_history": _LAST_ERROR,
        "set_profiling_level": _PROFILING,
    },
    "Collection": {
        "count": "use count_documents, or estimated_document_count for all of them",
        "ensure_index": "use create_index",
        "find_and_modify": "use find_one_and_update, find_one_and_replace or find_one_and_delete",
        "get_lasterror_options": _OPTIONS,
        "group": "use aggregate with $group",
        "initialize_ordered_bulk_op": _BULK,
        "initialize_unordered_bulk_op": f"{_BULK} with ordered=False",
        "inline_map_reduce": _AGGREGATE,
        "insert": "use insert_one or insert_many",
        "map_reduce": f"{_AGGREGATE}, or run the command mapReduce with Database.command",
        "parallel_scan": "use find or aggregate",
        "reindex": "drop the indexes and create them again, or run the command reIndex",
        "remove": "use delete_one or delete_many",
        "save": "use insert_one, or replace_one with upsert=True",
        "set_lasterror_options": _OPTIONS,
        "unset_lasterror_options": _OPTIONS,
        "update": "use update_one, update_many or replace_one",
    },
    "Cursor": {
        "count": "use Collection.count_documents with the same filter",
        "conn_id": "use address",
    },
}

#: Properties; their names stand for a database or collection now.
FORMER_PROPERTIES: dict[str, dict[str, str]] = {
    "MongoClient": {
        "event_listeners": "use client.options.event_listeners",
        "is_locked": 'look at fsyncLock in client.admin.command("currentOp")',
        "local_threshold_ms": "use client.options.local_threshold_ms",
        "max_bson_size": 'use client.admin.command("hello")["maxBsonObjectSize"]',
        "max_idle_time_ms": "use client.options.pool_options.max_idle_time_seconds",
        "max_message_size": 'use client.admin.command("hello")["maxMessageSizeBytes"]',
        "max_pool_size": "use client.options.pool_options.max_pool_size",
        "max_write_batch_size": 'use client.admin.command("hello")["maxWriteBatchSize"]',
        "min_pool_size": "use client.options.pool_options.min_pool_size",
        "retry_reads": "use client.options.retry_reads",
        "retry_writes": "use client.options.retry_writes",
        "server_selection_timeout": "use client.options.server_selection_timeout",
    },
    "Database": {
        "incoming_copying_manipulators": _MANIPULATOR,
        "incoming_manipulators": _MANIPULATOR,
        "outgoing_copying_manipulators": _MANIPULATOR,
        "outgoing_manipulators": _MANIPULATOR,
        "system_js": "find, insert and delete in the collection system.js",
    },
}

#: Parameters, by the base of the kind and the method, or by the name of a class or function.
FORMER_PARAMETERS: dict[tuple[str, str], dict[str, str]] = {
    ("Collection", "find"): {
        "as_class": "with_options(codec_options=CodecOptions(document_class=...))",
        "await_data": "use cursor_type=CursorType.TAILABLE_AWAIT",
        "exhaust": "use cursor_type=CursorType.EXHAUST",
        "fields": "use projection",
        "manipulate": _MANIPULATOR,
        "modifiers": "use the parameter of that name: comment, hint, max_time_ms, min, max, ...",
        "network_timeout": "use max_time_ms, or pymongo.timeout",
        "partial": "use allow_partial_results",
        "read_preference": "with_options(read_preference=...)",
        "slave_okay": "with_options(read_preference=ReadPreference.SECONDARY_PREFERRED)",
        "spec": "use filter",
        "tailable": "use cursor_type=CursorType.TAILABLE",
        "timeout": "use no_cursor_timeout=True for timeout=False",
        "upsert": "use find_one_and_update",
    },
    ("Collection", "aggregate"): {"useCursor": "leave it out: the result is always a cursor"},
    ("Collection", "create_index"): {
        "bucketSize": 'servers have no haystack indexes since 5.0: use "2d" or GEOSPHERE',
        "bucket_size": 'servers have no haystack indexes since 5.0: use "2d" or GEOSPHERE',
        "cache_for": "leave it out: create_index always asks the server",
        "dropDups": "servers keep duplicates since 3.0: remove them before",
        "drop_dups": "servers keep duplicates since 3.0: remove them before",
        "ttl": "leave it out, or use expireAfterSeconds",
    },
    ("Database", "list_collection_names"): {
        "include_system_collections": 'use filter={"name": {"$not": {"$regex": "^system\\."}}}',
    },
    ("Collection", "insert_one"): {"w": "with_options(write_concern=WriteConcern(w=...))"},
    ("gridfs.GridFS", ""): {"disable_md5": "files have no MD5 sum any more: leave it out"},
    ("gridfs.GridFSBucket", ""): {"disable_md5": "files have no MD5 sum any more: leave it out"},
    ("bson.decode_all", ""): {
        "as_class": "pass codec_options",
        "tz_aware": "pass codec_options",
        "uuid_subtype": "pass codec_options",
    },
}
FORMER_PARAMETERS[("Collection", "find_one")] = FORMER_PARAMETERS[("Collection", "find")]

#: Options of clients, in lower case.
FORMER_OPTIONS: dict[str, str] = {
    "auto_start_request": "use a session: start_session",
    "connecttimeout": "use connectTimeoutMS, in milliseconds",
    "j": "use journal",
    "max_pool_size": "use maxPoolSize",
    "network_timeout": "use socketTimeoutMS, in milliseconds, or timeoutMS",
    "safe": "use w=1, or w=0 for safe=False",
    "slave_okay": "use readPreference",
    "slaveok": "use readPreference",
    "socketkeepalive": "leave it out: it is always on",
    "ssl_ca_certs": "use tlsCAFile",
    "ssl_cert_reqs": "use tlsAllowInvalidCertificates=True for CERT_NONE",
    "ssl_certfile": "use tlsCertificateKeyFile, one file with the certificate and the key",
    "ssl_crlfile": "use tlsCRLFile",
    "ssl_keyfile": "use tlsCertificateKeyFile, one file with the certificate and the key",
    "ssl_match_hostname": "use tlsAllowInvalidHostnames=True for False",
    "ssl_pem_passphrase": "use tlsCertificateKeyFilePassword",
    "tz_info": "use tzinfo",
    "use_greenlets": "leave it out: with gevent, patch before anything is imported",
    "usegreenlets": "leave it out: with gevent, patch before anything is imported",
    "wtimeout": "use wTimeoutMS",
    "serverselectiontryonce": "leave it out: selection waits for serverSelectionTimeoutMS",
    "tlsdisablecertificaterevocationcheck": "use tlsDisableOCSPEndpointCheck",
}

_METADATA = "PyMongo 5 will not have it: put it in metadata"
#: Members that work, and warn or will go.
DEPRECATED_MEMBERS: dict[str, dict[str, str]] = {
    "GridOut": {
        "aliases": _METADATA,
        "content_type": _METADATA,
        "md5": _METADATA,
    },
    "GridIn": {
        "content_type": _METADATA,
        "md5": _METADATA,
    },
    "Cursor": {"max_scan": "servers since 4.2 refuse it: use max_time_ms"},
}

DEPRECATED_NAMES: dict[str, str] = {
    "bson.son.SON.has_key": "use key in son",
    "bson.son.SON.iterkeys": "use keys()",
    "pymongo.encryption.Algorithm.TEXTPREVIEW": "use Algorithm.STRING",
}

_HEDGE = "servers since 8.0 have deprecated hedged reads: leave it out"
_MODES = ("PrimaryPreferred", "Secondary", "SecondaryPreferred", "Nearest")
#: As `FORMER_PARAMETERS`.
DEPRECATED_PARAMETERS: dict[tuple[str, str], dict[str, str]] = {
    **{(f"pymongo.read_preferences.{mode}", ""): {"hedge": _HEDGE} for mode in _MODES},
    ("pymongo.collection.Collection", ""): {"create": "use Database.create_collection"},
    ("Collection", "find"): {
        "max_scan": "servers since 4.2 refuse it: use max_time_ms",
        "oplog_replay": "servers since 4.4 ignore it: leave it out",
        "snapshot": "servers since 4.0 refuse it: use a snapshot session",
    },
}
DEPRECATED_PARAMETERS[("Collection", "find_one")] = DEPRECATED_PARAMETERS[("Collection", "find")]
