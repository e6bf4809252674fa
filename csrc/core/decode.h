/* The decoder: BSON to Python objects. The input is hostile: every length is checked against the
 * space that is really there, and nothing is allocated by a length field alone. */
#ifndef BSONX_DECODE_H
#define BSONX_DECODE_H

#include "core/errors.h"
#include "core/guard.h"
#include "core/options.h"

/* Values that were read, and wait until their container is complete and can be made in its size. */
#define BX_PILE_FIRST 128
typedef struct {
    PyObject **items;
    size_t top, room;
    bx_shapes *shapes; /* dicts with keys that came before, or NULL */
    PyObject *first[BX_PILE_FIRST];
} bx_pile;

/* One decoding call. It refers to itself: not to be copied. */
typedef struct {
    bx_state *st;
    const bx_options *options;
    bx_keycache *keys;    /* NULL: not available to this call */
    const uint8_t *base;  /* where offsets of errors count from, ... */
    Py_ssize_t origin;    /* ... which is this far into the input */
    const uint8_t *limit; /* end of the input: reading up to here is safe */
    PyObject *owner;      /* the bytes object around it, which raw documents may share, or NULL */
    bx_guard guard;
    bx_pile pile;
} bx_decoder;

/* The bytes of a bytes-like object while they are decoded. Raw documents keep `owner` alive and
 * refer to a part of it, so it must be immutable. */
typedef struct {
    const uint8_t *data;
    size_t size;
    Py_ssize_t origin; /* where `data` is in what error offsets count from the start of */
    PyObject *owner; /* the bytes object that `data` is in; NULL: not to be kept */
    PyObject *copy;  /* owned: the bytes object, if it was made for this; or NULL */
    bool has_view;
    Py_buffer view;
} bx_input;

/* Get at the bytes of `data`, with an owner if the options want documents that share them: 0, or
 * -1 with an exception (TypeError for what is not bytes-like). */
int bx_input_open(bx_input *input, PyObject *data, const bx_options *options);

/* The same over memory that will be gone after the call. */
int bx_input_over(bx_input *input, const uint8_t *data, size_t size, const bx_options *options);
void bx_input_close(bx_input *input);

/* Prepare a decoder over an open input. It borrows everything. */
void bx_decoder_init(bx_decoder *d, bx_state *st, const bx_options *options,
                     const bx_input *input);
void bx_decoder_end(bx_decoder *d);

/* The document that starts at `p`, whose size word and final NUL are valid (bx_check_document):
 * a new reference to what document_class asks for, NULL with an exception. */
PyObject *bx_decode_document(bx_decoder *d, const uint8_t *p);

/* A list of the documents that fill [p, end). */
PyObject *bx_decode_documents(bx_decoder *d, const uint8_t *p, const uint8_t *end);

/* The size of the document at `p`, which must end at or before `end`; -1 with InvalidBSON. */
Py_ssize_t bx_check_document(bx_decoder *d, const uint8_t *p, const uint8_t *end);

/* Decode what a bytes-like object holds; NULL with an exception. */
PyObject *bx_decode(bx_state *st, PyObject *data, PyObject *codec_options);
PyObject *bx_decode_all(bx_state *st, PyObject *data, PyObject *codec_options);

/* ---- between the files of the decoder ---- */

/* The value of type `type` at *at, which must end at or before `end`; moves *at behind it. `name`
 * is the field's name for messages, and `element` the element's type byte. */
PyObject *bx_decode_value(bx_decoder *d, uint8_t type, const uint8_t **at, const uint8_t *end,
                          PyObject *name, const uint8_t *element);

/* As bx_decode_document, for a document that is part of a value: it has no type of its own. */
PyObject *bx_decode_plain_document(bx_decoder *d, const uint8_t *p);

/* Elements in [p, end) as a dict; `nested` allows a DBRef. */
PyObject *bx_decode_dict(bx_decoder *d, const uint8_t *p, const uint8_t *end, bool nested);

/* Values that occur less (decode_values.c), as bx_decode_value. */
PyObject *bx_decode_rare(bx_decoder *d, uint8_t type, const uint8_t **at, const uint8_t *end,
                         PyObject *name, const uint8_t *element);

/* Make room; -1 with MemoryError. */
int bx_pile_grow(bx_pile *pile);

/* Drop what was pushed since the pile was `base` high. */
void bx_pile_drop(bx_pile *pile, size_t base);

/* What was pushed since the pile was `base` high, keys and values in turn, as a dict, or as a list.
 * It leaves the pile, also on failure: NULL with an exception. */
PyObject *bx_pile_dict(bx_pile *pile, size_t base);
PyObject *bx_pile_list(bx_pile *pile, size_t base);

/* Turn a dict with `$ref` into a DBRef if it is one. Takes the reference, gives one. */
PyObject *bx_maybe_dbref(bx_decoder *d, PyObject *document);

/* Pass a value through the type decoder of its type. Takes the reference, gives one. */
PyObject *bx_apply_decoder(bx_decoder *d, PyObject *value);

/* Where `at` is in the input, for errors. */
BX_INLINE Py_ssize_t bx_offset(const bx_decoder *d, const uint8_t *at)
{
    return d->origin + (at - d->base);
}

/* InvalidBSON at a position in the input: with a message, for lengths that do not fit, for an unknown
 * type, for the pending exception. Always NULL. */
BX_COLD void *bx_bad(bx_decoder *d, const uint8_t *at, const char *format, ...);
BX_COLD void *bx_bad_element(bx_decoder *d, const uint8_t *at);
BX_COLD void *bx_bad_type(bx_decoder *d, const uint8_t *element, PyObject *name);
BX_COLD void *bx_wrap_error(bx_decoder *d, const uint8_t *at);

/* InvalidBSON for a key that could not be read: a pending UnicodeDecodeError, or no NUL. For an array
 * item without the end of its name; `name` is that of the array. Always NULL. */
BX_COLD void *bx_bad_key(bx_decoder *d, const uint8_t *key);
BX_COLD void *bx_bad_item(bx_decoder *d, const uint8_t *element, PyObject *name);

/* InvalidBSON for documents nested too deeply at `p`; `what` is a noun. Always NULL. */
BX_COLD void *bx_too_deep(bx_decoder *d, const uint8_t *p, const char *what);

/* As bx_decode_value, but past the type decoders of the options. */
PyObject *bx_decode_stored(bx_decoder *d, uint8_t type, const uint8_t **at, const uint8_t *end,
                           PyObject *name, const uint8_t *element);

#endif
