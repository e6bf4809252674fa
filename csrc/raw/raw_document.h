/* Raw documents: bytes that are decoded when a field is read. */
#ifndef BSONX_RAW_DOCUMENT_H
#define BSONX_RAW_DOCUMENT_H

#include "core/options.h"

/* Where a raw document is: part of an immutable bytes object. */
typedef struct {
    PyObject *owner;      /* exactly bytes */
    const uint8_t *base;  /* in `owner`: where error offsets count from, ... */
    const uint8_t *start; /* of the document */
    Py_ssize_t size;      /* of the document */
    Py_ssize_t origin;    /* ... with this added */
} bx_span;

typedef struct {
    PyObject_HEAD
    bx_span at;       /* `.raw` replaces it while other threads may read: see raw_hold */
    PyObject *fields; /* dict of all fields once they are decoded, or NULL */
    bx_options *options;
} bx_raw_document;

PyTypeObject *bx_raw_document_type(PyObject *module);

/* Whether a view shows a part of a bytes object, `view->obj`, as it stands. */
bool bx_shows_bytes(const Py_buffer *view);

/* Whether documents of a class with these options are made by bx_raw_document_new. */
int bx_raw_is_native(bx_state *st, PyObject *document_class, PyObject *raw_over);

/* A document of `document_class`, which bx_raw_is_native. It keeps `owner`, unless that has much more
 * than the document: then it gets bytes of its own. NULL with an exception. */
PyObject *bx_raw_document_new(const bx_options *options, const bx_span *at);

/* The bytes of a document whose class does not replace the attribute `raw`: 1 and `*at`, whose owner
 * is a new reference; 0 for other objects, -1 with an exception. */
int bx_raw_bytes(bx_state *st, PyObject *document, bx_span *at);

/* ---- reading the bytes (raw.c) ---- */

/* All fields as a dict, inner documents as the options ask for; NULL with an exception. */
PyObject *bx_raw_elements(bx_state *st, const bx_options *options, const bx_span *at);

/* One field: 1 and a new reference, 0 if there is none of that name, -1 with an exception. The
 * other fields are stepped over; of equal names the last counts. */
int bx_raw_get(bx_state *st, const bx_options *options, const bx_span *at, PyObject *name,
               PyObject **value);

#endif
