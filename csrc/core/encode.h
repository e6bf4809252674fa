/* The encoder: Python mappings to BSON, appended to a writer. */
#ifndef BSONX_ENCODE_H
#define BSONX_ENCODE_H

#include "core/guard.h"
#include "core/options.h"
#include "core/writer.h"

typedef struct {
    bx_writer w;
    bx_state *st;
    const bx_options *options;
    PyObject *path;     /* list of keys and indexes, innermost first, once an error occurred */
    bx_guard guard;
    unsigned foreign;   /* grows whenever code of others is called, which may change documents */
    bool check_keys;
    /* Those of the options, or what holds inside instances of classes with fields. */
    bool extended;
    int uuid_representation;
    /* The class of the last instance, if others of it may go the same short way as long as the class
     * has this version; else NULL. The plan, which is owned, keeps the class. */
    PyTypeObject *instance_type;
    unsigned int instance_version;
    PyObject *instance_plan;
} bx_encoder;

/* Prepare an encoder. It borrows `options`, which must outlive it. */
BX_INLINE void bx_encoder_init(bx_encoder *e, bx_state *st, const bx_options *options,
                               bool check_keys)
{
    bx_writer_init(&e->w, st->InvalidDocument);
    e->st = st;
    e->options = options;
    e->path = NULL;
    bx_guard_init(&e->guard);
    e->foreign = 0;
    e->check_keys = check_keys;
    e->extended = options->extended;
    e->uuid_representation = options->uuid_representation;
    e->instance_type = NULL;
    e->instance_plan = NULL;
}

/* Append one top-level document (`_id` first). -1 with an exception that carries `.path`; what was
 * written so far is then undefined and the writer must be abandoned or rewound. */
int bx_encode_document(bx_encoder *e, PyObject *document);

/* Encode one document to a new bytes object; NULL with an exception. */
PyObject *bx_encode(bx_state *st, PyObject *document, bool check_keys, PyObject *codec_options);

/* ---- between the files of the encoder ---- */

/* Append the value of an element whose type byte is at offset `at` and whose key is already
 * written, with 16 bytes reserved behind it. Any value that the inline fast path does not cover
 * comes here; the caller holds a reference to it. -1 with an exception. */
int bx_encode_value(bx_encoder *e, size_t at, PyObject *value);

/* The same by exact type only: 1 done, 0 another type, -1 with an exception (encode_known.c). */
int bx_encode_known(bx_encoder *e, size_t at, PyObject *value);

/* A mapping, list or tuple without the element header (encode_containers.c). */
int bx_encode_dict(bx_encoder *e, PyObject *dict, bool top);
int bx_encode_mapping(bx_encoder *e, PyObject *mapping, bool top);
int bx_encode_list(bx_encoder *e, PyObject *list);
int bx_encode_tuple(bx_encoder *e, PyObject *tuple);

/* Values of the package's own and the standard library's types (encode_values.c). */
int bx_encode_text(bx_encoder *e, PyObject *text);
int bx_encode_int(bx_encoder *e, size_t at, PyObject *value, bool always_int64);
int bx_encode_bytes(bx_encoder *e, const void *data, Py_ssize_t size, int subtype);
int bx_encode_binary(bx_encoder *e, PyObject *value);
int bx_encode_code(bx_encoder *e, size_t at, PyObject *value, PyObject *scope);
int bx_encode_datetime(bx_encoder *e, PyObject *value);
int bx_encode_uuid(bx_encoder *e, PyObject *value);
void bx_uuid_reorder(uint8_t *bytes, int representation);
int bx_encode_regex(bx_encoder *e, PyObject *value);
int bx_encode_as_doc(bx_encoder *e, PyObject *value);
int bx_encode_raw(bx_encoder *e, PyObject *value);

/* An element with a key (a str) and any value. */
int bx_encode_keyed(bx_encoder *e, PyObject *key, PyObject *value);

/* Raise RecursionError, where bx_enter(&e->guard) found no room, and InvalidDocument for a document
 * that is too large. Always -1. */
BX_COLD int bx_encode_too_deep(void);
BX_COLD int bx_encode_too_large(bx_encoder *e);

/* What the value at hand has already been through (a set of these): a type encoder's result is not
 * passed to type encoders again, a fallback encoder's not to the fallback encoder. */
typedef enum { BX_FROM_PLAIN = 0, BX_FROM_ENCODER = 1, BX_FROM_FALLBACK = 2 } bx_origin;

/* A value in place of another one: it may be of any type. */
int bx_encode_from(bx_encoder *e, size_t at, PyObject *value, bx_origin from);

/* Everything else: foreign types, subclasses, the type registry (encode_other.c). */
int bx_encode_other(bx_encoder *e, size_t at, PyObject *value);

/* The `_type_marker` of a value, 0 if it has none; errors of a property count as none. -1 with an
 * exception. */
int bx_read_marker(bx_encoder *e, PyObject *value, long *marker);

/* A dict of any class: an OrderedDict keeps its order outside the dict's own. */
int bx_encode_dict_subclass(bx_encoder *e, PyObject *dict, bool top);

/* What stands for `document` at the top: TypeError, about the document, if it cannot be one. */
int bx_encode_top_instead(bx_encoder *e, PyObject *stored, PyObject *document);

/* Raise InvalidDocument (encode_errors.c, as what follows). Always -1. */
BX_COLD int bx_invalid_document(bx_encoder *e, const char *format, ...);

/* Note the key (a str) or index where the pending exception arose. */
BX_COLD void bx_path_add_key(bx_encoder *e, PyObject *key);
BX_COLD void bx_path_add_index(bx_encoder *e, Py_ssize_t index);

/* Give the pending exception its `.path`, where its class allows attributes, and an InvalidDocument
 * its `.document`. */
BX_COLD void bx_complete_error(bx_encoder *e, PyObject *document);

BX_INLINE void bx_set_type(bx_encoder *e, size_t at, uint8_t type)
{
    e->w.base[at] = type;
}

BX_INLINE void bx_encoder_abandon(bx_encoder *e)
{
    bx_leave_to(&e->guard, 0);
    bx_writer_abandon(&e->w);
    Py_CLEAR(e->path);
    Py_CLEAR(e->instance_plan);
}

/* The output as a new bytes object; NULL with an exception. Ends the encoder. */
BX_INLINE PyObject *bx_encoder_finish(bx_encoder *e)
{
    Py_CLEAR(e->instance_plan);
    return bx_writer_finish(&e->w);
}

#endif
