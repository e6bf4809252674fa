/* Extended JSON text to BSON, without Python objects in between. */
#ifndef BSONX_JSON_TO_BSON_H
#define BSONX_JSON_TO_BSON_H

#include "core/documents.h"
#include "json/cursor.h"
#include "json/noted_keys.h"

/* What is open at a place in the text. */
typedef enum {
    BX_OPEN_TOP,    /* the document itself */
    BX_OPEN_OBJECT, /* an object */
    BX_OPEN_SCOPE,  /* an object that must be a document */
    BX_OPEN_ARRAY,
    BX_OPEN_CODE /* code with its scope: no container of BSON */
} bx_open_kind;

typedef struct {
    uint32_t start; /* where its size goes in the output */
    uint32_t count; /* of an array: the items begun so far; else: the keys noted before it */
    bx_open_kind kind;
} bx_open;

/* One reader: it is large, and made on the heap. What returns 0 without an exception has met
 * something that is no such text, or that it leaves to the pure implementation, which reads all of
 * the document again then: that one has the words for every error. So it must hold that nothing is
 * accepted here that is refused there.
 *
 * The GIL may be given up (bx_reader_unlock) while it reads: it is taken back for whatever needs it. */
typedef struct {
    bx_cursor at;
    bx_state *st;
    bx_documents out;
    const uint8_t *id_field; /* UTF-8: a field that becomes `_id`; NULL: none does */
    size_t id_field_size;
    bool make_ids;
    size_t id_at;      /* where the `_id` of the document is in the output that was begun last, or 0 */
    bool trusted;      /* the text is valid UTF-8 */
    bool met_nul;      /* set by an escape that stands for NUL */
    PyThreadState *thread; /* of the caller while it has no GIL, or NULL */
    bx_noted_keys keys;
    bx_open *top;
    bx_open open[BX_MAX_DEPTH + 1]; /* from the second one on */
} bx_reader;

/* A new reader, ended by bx_reader_free; NULL with MemoryError. */
bx_reader *bx_reader_new(bx_state *st);
void bx_reader_free(bx_reader *r);

/* Read the object at r->at.p as a document into r->out. 1: r->at.p is behind it. 0, or -1 with an
 * exception: the output is as before. */
int bx_reader_document(bx_reader *r);

/* Give the GIL up and take it back; both may be called twice. */
void bx_reader_unlock(bx_reader *r);
void bx_reader_lock(bx_reader *r);

/* The BSON of the one document in `text`, a str or bytes-like object: bytes, None where the pure
 * implementation is to read it, NULL with an exception. */
PyObject *bx_json_to_bson(bx_state *st, PyObject *text);

/* ---- between the files of the reader ---- */

BX_COLD int bx_reader_grow(bx_reader *r, size_t size);

/* Make room for `size` more bytes of output; -1 with an exception. */
BX_INLINE int bx_reader_reserve(bx_reader *r, size_t size)
{
    if (BX_UNLIKELY((size_t)(r->out.w.end - r->out.w.p) < size)) return bx_reader_grow(r, size);
    return 0;
}

/* Append the string at r->at.p, at least its bytes, and pass it: 1, 0, -1. */
int bx_reader_text(bx_reader *r);

/* The same with size and NUL, as the value of an element. */
int bx_reader_string(bx_reader *r);

/* The type of the element whose first byte is at `element`. */
BX_INLINE void bx_reader_set_type(bx_reader *r, size_t element, uint8_t type)
{
    r->out.w.base[element] = type;
}

/* Append a double, for which there is room: 1. */
BX_INLINE int bx_reader_put_double(bx_reader *r, size_t element, double value)
{
    bx_reader_set_type(r, element, BX_DOUBLE);
    bx_store_double(r->out.w.p, value);
    r->out.w.p += 8;
    return 1;
}

/* Open an object or array whose size has not been written: 1, 0 if it is too deep, -1. */
int bx_reader_open(bx_reader *r, bx_open_kind kind);

/* The double of text that is a number, in any case; -1 with MemoryError. */
BX_COLD int bx_reader_double_slow(bx_reader *r, bx_json_span text, double *value);

typedef enum {
    BX_NO_WRAPPER,
    BX_IS_OBJECT_ID,
    BX_IS_DATE,
    BX_IS_CODE,
    BX_IS_UUID,
    BX_IS_REGEX,
    BX_IS_BINARY,
    BX_IS_SYMBOL,
    BX_IS_MIN_KEY,
    BX_IS_MAX_KEY,
    BX_IS_INT,
    BX_IS_TIMESTAMP,
    BX_IS_LONG,
    BX_IS_UNDEFINED,
    BX_IS_DBPOINTER,
    BX_IS_DOUBLE,
    BX_IS_DECIMAL,
    BX_IS_REGULAR_EXPRESSION
} bx_wrapper;

/* What the object at r->at.p (behind its brace, at a key that starts with "$") is by its first key:
 * if that names a wrapper, it and its colon are passed. */
bx_wrapper bx_reader_begin_wrapper(bx_reader *r);

/* Read the rest of such a wrapper, if it has one of the usual forms, as the value of `element`: 1;
 * 2 if an empty scope is open; 0, -1. */
int bx_reader_wrapper(bx_reader *r, size_t element, bx_wrapper kind);

/* Whether a key means that its object could be a wrapper. */
bool bx_is_wrapper_key(const uint8_t *key, size_t size);

#endif
