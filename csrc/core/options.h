/* CodecOptions, read once into a struct and cached by identity. */
#ifndef BSONX_OPTIONS_H
#define BSONX_OPTIONS_H

#include "core/state.h"

/* What document_class asks for. */
typedef struct bx_plan bx_plan;

typedef enum {
    BX_CLASS_DICT,   /* exactly dict */
    BX_CLASS_OTHER,  /* any other mutable mapping: called, then filled with item assignment */
    BX_CLASS_RAW     /* RawBSONDocument or a class with its marker: called with bytes */
} bx_document_kind;

enum { BX_DATETIME_OBJECT = 1, BX_DATETIME_CLAMP = 2, BX_DATETIME_MS = 3, BX_DATETIME_AUTO = 4 };

enum {
    BX_UUID_UNSPECIFIED = 0,
    BX_UUID_PYTHON_LEGACY = 3,
    BX_UUID_STANDARD = 4,
    BX_UUID_JAVA_LEGACY = 5,
    BX_UUID_CSHARP_LEGACY = 6
};

struct bx_options {
    PyObject_HEAD
    PyObject *codec_options;  /* the CodecOptions this was read from */
    PyObject *document_class; /* the rest: owned here, NULL where it says so */
    PyObject *tzinfo;         /* NULL: UTC */
    PyObject *encoders;       /* {type: transform_python} or NULL */
    PyObject *decoders;       /* {type: transform_bson} or NULL */
    PyObject *fallback;       /* callable or NULL */
    PyObject *raw_over;       /* document_class._over, for raw documents that share; or NULL */
    bool raw_native;          /* bx_raw_document_new does what raw_over would */
    PyObject *errors_object;  /* str that `errors` points into, or NULL */
    const char *errors;       /* name of the Unicode error handler; NULL: strict */
    bx_document_kind document_kind;
    bool tz_aware;
    int datetime_conversion;
    int uuid_representation;
    bool extended; /* profile "python": more types are encodable (read on the slow path only) */
    bx_plan *plan; /* what top-level documents are decoded to, or NULL; nested ones are dicts */
    PyObject *nested; /* {class: bx_options} of fields that name their document class, or NULL */
};

PyTypeObject *bx_options_type(PyObject *module);

/* Read a CodecOptions: new reference, or NULL with an exception. */
bx_options *bx_options_compile(bx_state *st, PyObject *codec_options);

/* The cached struct for `codec_options` (None: the default ones): new reference, or NULL with an
 * exception (TypeError for an object that is not CodecOptions). */
bx_options *bx_options_lookup(bx_state *st, PyObject *codec_options);

/* The options for a field of the class `document_class`, otherwise like `options`, which have a plan
 * and keep them: borrowed, NULL with an exception. */
bx_options *bx_options_nested(bx_state *st, const bx_options *options, PyObject *document_class);

/* The options for one call, as bx_options_get, to be given back with bx_options_release. Those of
 * the state itself are not counted: all threads would write to that count. */
BX_INLINE bx_options *bx_options_hold(bx_state *st, PyObject *codec_options)
{
    if (bx_bind(st) < 0) return NULL;
    if (BX_LIKELY(codec_options == Py_None || codec_options == st->default_codec_options)) {
        return st->default_options;
    }
    if (codec_options == st->default_raw_codec_options) return st->default_raw_options;
    return bx_options_lookup(st, codec_options);
}

BX_INLINE void bx_options_release(bx_state *st, bx_options *options)
{
    if (options != st->default_options && options != st->default_raw_options) {
        Py_DECREF((PyObject *)options);
    }
}

BX_INLINE bx_options *bx_options_get(bx_state *st, PyObject *codec_options)
{
    bx_options *options = bx_options_hold(st, codec_options);

    if (options == st->default_options || options == st->default_raw_options) {
        Py_XINCREF((PyObject *)options);
    }
    return options;
}

#endif
