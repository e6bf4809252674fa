/* The state of one interpreter's codec. The module object `bsonx._native` has it in a small module
 * object (the core) that its functions and types keep alive; nothing mutable is kept outside it.
 *
 * Threads share the state. Without the GIL it keeps to this: what is looked up once is published
 * once and never replaced (bx_publish); caches are taken by one call at a time, each thread its
 * own if it can be (locals.h); the rest is atomic, or says at its place what protects it. */
#ifndef BSONX_STATE_H
#define BSONX_STATE_H

#include "core/atomics.h"
#include "core/locals.h"

#include <datetime.h>

/* <datetime.h> defines this variable in every file; the state's own pointer is the one used. */
BX_INLINE BX_UNUSED void bx_unused_datetime_api(void) { (void)PyDateTimeAPI; }

typedef struct bx_json bx_json;
typedef struct bx_options bx_options;
typedef struct bx_typed bx_typed;

/* The attribute and key names the codec looks up, interned once. */
#define BX_NAMES(X)                                                                               \
    X(type, "type")                                                                               \
    X(options, "options")                                                                         \
    X(plan, "__bsonx_plan__")                                                                     \
    X(empty, "")                                                                                  \
    X(profile, "profile")                                                                         \
    X(encode_plan, "__bsonx_encode__")                                                            \
    X(compiled, "compiled")                                                                       \
    X(id, "_id")                                                                                  \
    X(type_marker, "_type_marker")                                                                \
    X(subtype, "subtype")                                                                         \
    X(scope, "scope")                                                                             \
    X(as_doc, "as_doc")                                                                           \
    X(raw, "raw")                                                                                 \
    X(binary, "binary")                                                                           \
    X(bid, "bid")                                                                                 \
    X(time, "time")                                                                               \
    X(inc, "inc")                                                                                 \
    X(pattern, "pattern")                                                                         \
    X(flags, "flags")                                                                             \
    X(int_, "int")                                                                                \
    X(is_safe, "is_safe")                                                                         \
    X(utcoffset, "utcoffset")                                                                     \
    X(year, "year")                                                                               \
    X(month, "month")                                                                             \
    X(day, "day")                                                                                 \
    X(hour, "hour")                                                                               \
    X(minute, "minute")                                                                           \
    X(second, "second")                                                                           \
    X(microsecond, "microsecond")                                                                 \
    X(days, "days")                                                                               \
    X(seconds, "seconds")                                                                         \
    X(microseconds, "microseconds")                                                               \
    X(bytes, "bytes")                                                                             \
    X(bytes_le, "bytes_le")                                                                       \
    X(astimezone, "astimezone")                                                                   \
    X(path, "path")                                                                               \
    X(offset, "offset")                                                                           \
    X(dollar_ref, "$ref")                                                                         \
    X(dollar_id, "$id")                                                                           \
    X(dollar_db, "$db")                                                                           \
    X(cursor, "cursor")                                                                           \
    X(close, "close")                                                                             \
    X(codecs, "codecs")                                                                           \
    X(python_type, "python_type")                                                                 \
    X(bson_type, "bson_type")                                                                     \
    X(transform_python, "transform_python")                                                       \
    X(transform_bson, "transform_bson")                                                           \
    X(fallback_encoder, "fallback_encoder")                                                       \
    X(over, "_over")                                                                              \
    X(default_raw, "_default_options")                                                            \
    X(with_options, "with_options")                                                               \
    X(document_class, "document_class")                                                           \
    X(raw_options, "_options")                                                                    \
    X(init, "__init__")

/* Python classes of the package and of the standard library, imported at first use. */
#define BX_CLASSES(X)                                                                             \
    X(Binary, "bsonx.binary", "Binary")                                                           \
    X(Code, "bsonx.code", "Code")                                                                 \
    X(CodecOptions, "bsonx.codec_options", "CodecOptions")                                        \
    X(DBRef, "bsonx.dbref", "DBRef")                                                              \
    X(MaxKey, "bsonx.max_key", "MaxKey")                                                          \
    X(MinKey, "bsonx.min_key", "MinKey")                                                          \
    X(RawBSONDocument, "bsonx.raw_bson", "RawBSONDocument")                                       \
    X(Regex, "bsonx.regex", "Regex")                                                              \
    X(SON, "bsonx.son", "SON")                                                                    \
    X(Mapping, "collections.abc", "Mapping")                                                      \
    X(MutableMapping, "collections.abc", "MutableMapping")                                        \
    X(Pattern, "re", "Pattern")                                                                   \
    X(SafeUUID, "uuid", "SafeUUID")                                                               \
    X(UUID, "uuid", "UUID")

#define BX_OBJECTS(X)                                                                             \
    X(ArrowError, "bsonx._errors", "ArrowError")                                                  \
    X(DocumentTooLarge, "bsonx._errors", "DocumentTooLarge")                                      \
    X(InvalidBSON, "bsonx.errors", "InvalidBSON")                                                 \
    X(InvalidDocument, "bsonx.errors", "InvalidDocument")                                         \
    X(InvalidId, "bsonx.errors", "InvalidId")                                                     \
    X(InvalidStringData, "bsonx.errors", "InvalidStringData")                                     \
    X(default_codec_options, "bsonx.codec_options", "DEFAULT_CODEC_OPTIONS")                      \
    X(default_raw_codec_options, "bsonx.raw_bson", "DEFAULT_RAW_BSON_OPTIONS")                    \
    X(utc, "bsonx.tz_util", "utc")

/* Generator of ObjectIds: 5 random bytes and a counter. Only the counter changes, atomically. */
typedef struct {
    uint8_t random[5];
    uint32_t counter;
} bx_oid_generator;

/* The types that the module makes; the storages are bases of classes written in Python. */
#define BX_OWN_TYPES(X)                                                                           \
    X(ObjectId)                                                                                   \
    X(Timestamp)                                                                                  \
    X(Decimal128)                                                                                 \
    X(DatetimeMS)                                                                                 \
    X(Int64)                                                                                      \
    X(RawDocument)                                                                                \
    X(Options)                                                                                    \
    X(BinaryStorage)                                                                              \
    X(CodeStorage)                                                                                \
    X(RegexStorage)

typedef struct bx_state {
    PyObject *module; /* borrowed: the owner of this struct */
    int bound;        /* the Python classes below are filled in: published last */
    bool dict_layout_known; /* see dict_layout.h */

    /* extension types */
#define X(name) PyTypeObject *name;
    BX_OWN_TYPES(X)
#undef X
    bool int_layout; /* ints may be made field by field */

#define X(name, module, attribute) PyTypeObject *name;
    BX_CLASSES(X)
#undef X
#define X(name, module, attribute) PyObject *name;
    BX_OBJECTS(X)
#undef X
#define X(name, text) PyObject *s_##name;
    BX_NAMES(X)
#undef X

    PyDateTime_CAPI *datetime;
    PyObject *min_key, *max_key; /* what decoding gives for all of them */
    PyObject *safe_uuid_unknown; /* what UUID() puts into .is_safe */

    bx_options *default_options, *default_raw_options;
    bx_local locals[BX_LOCALS];
    bx_typed *typed; /* what typed documents need: published; NULL before there are any */
    bx_json *json;   /* the newest one; it has those before it; NULL: json_util is not imported */
    bx_oid_generator *oids; /* published at first use; drawn anew in a forked child */
} bx_state;

/* Create the module object that owns a fresh state, for the module of `spec`: new reference, or
 * NULL with an exception. */
PyObject *bx_core_new(PyObject *spec);

/* The state owned by `core` (made by bx_core_new). */
bx_state *bx_core_state(PyObject *core);

/* The state behind an instance's or subclass's extension type; NULL with an exception. */
bx_state *bx_state_of_type(PyTypeObject *type);

/* Import the Python classes; 0, or -1 with an exception. */
int bx_bind_slow(bx_state *st);

BX_INLINE int bx_bind(bx_state *st)
{
    return BX_LIKELY(bx_load_int(&st->bound) != 0) ? 0 : bx_bind_slow(st);
}

#endif
