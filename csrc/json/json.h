/* Extended JSON: Python objects to text and back, without anything in between. */
#ifndef BSONX_JSON_H
#define BSONX_JSON_H

#include "core/state.h"

/* Names beside those of the state (core/state.h), interned once. */
#define BX_JSON_NAMES(X)                                                                          \
    X(json_mode, "json_mode")                                                                     \
    X(strict_number_long, "strict_number_long")                                                   \
    X(datetime_representation, "datetime_representation")                                         \
    X(strict_uuid, "strict_uuid")                                                                 \
    X(items, "items")                                                                             \
    X(iter, "__iter__")                                                                           \
    X(uuid_representation, "uuid_representation")                                                 \
    X(dollar_code, "$code")                                                                       \
    X(dollar_scope, "$scope")

/* What both directions look up once. What they do not do themselves they hand to the functions of
 * the pure implementation, value by value. */
struct bx_json {
    bx_state *st;
    bx_json *before; /* bound before this one, by a module that was loaded again: may be in use */
    PyTypeObject *JSONOptions;
    PyObject *encode_value;       /* bsonx._py.json.encode.encode_value */
    PyObject *convert;            /* bsonx._py.json.encode.convert */
    PyObject *dumps;              /* bsonx._py.json.encode.json_dumps */
    PyObject *object_hook;        /* bsonx._py.json.decode.object_hook */
    PyObject *regex_flags;        /* bsonx._py.json.decode._regex_flags */
    PyObject *loads;              /* bsonx._py.json.decode.json_loads */
    PyObject *object_hook_strict; /* bsonx._py.json.strict.object_hook_strict */
    PyObject *loads_strict;       /* bsonx._py.json.strict.json_loads_strict */
#define X(name, text) PyObject *s_##name;
    BX_JSON_NAMES(X)
#undef X
};

/* The parts of the pure implementation that bx_json_new takes: the class JSONOptions, and the
 * functions as they are named in bx_json. */
typedef struct {
    PyObject *options_class;
    PyObject *encode_value;
    PyObject *convert;
    PyObject *dumps;
    PyObject *object_hook;
    PyObject *regex_flags;
    PyObject *loads;
    PyObject *object_hook_strict;
    PyObject *loads_strict;
} bx_json_parts;

/* Make these parts the ones that the state's calls use; -1 with an exception. */
int bx_json_bind(bx_state *st, const bx_json_parts *parts);

/* What was bound last (there for good), or NULL with RuntimeError. */
bx_json *bx_json_of(bx_state *st);

/* For the state: it and those before it. */
int bx_json_traverse(bx_json *j, visitproc visit, void *arg);
void bx_json_free(bx_json *j);

/* The layout arguments of json.dumps; the texts are ASCII and borrowed. */
typedef struct {
    const char *indent; /* one level; NULL: no line breaks */
    size_t indent_size;
    const char *item_separator;
    size_t item_separator_size;
    const char *key_separator;
    size_t key_separator_size;
    bool sort_keys;
    bool ensure_ascii;
} bx_json_layout;

/* The text of `object` as a new str; NULL with an exception. A NULL layout stands for json.dumps
 * without arguments; with another, options that only the pure implementation takes give None. */
PyObject *bx_json_dumps(bx_json *j, PyObject *object, PyObject *options,
                        const bx_json_layout *layout);

/* The value of JSON text in a str, bytes or bytearray; NULL with an exception. If `strict`, what
 * would get lost is an error. */
PyObject *bx_json_loads(bx_json *j, PyObject *text, PyObject *options, bool strict);

#endif
