/* BSON to extended JSON text, without Python objects in between. */
#ifndef BSONX_JSON_FROM_BSON_H
#define BSONX_JSON_FROM_BSON_H

#include "core/options.h"
#include "core/writer.h"
#include "json/json.h"
#include "json/noted_keys.h"

/* What is open at a place in the BSON. */
typedef enum {
    BX_SHOWN_DOCUMENT,
    BX_SHOWN_PART, /* a document that may be a reference */
    BX_SHOWN_SCOPE,
    BX_SHOWN_ARRAY
} bx_shown_kind;

typedef struct {
    const uint8_t *last; /* the NUL at its end */
    uint32_t keys;       /* how many keys were noted before it */
    uint32_t count;      /* of the fields or items so far */
    bx_shown_kind kind;
    bool reference; /* its first key is $ref */
} bx_shown;

/* One writer: it is large, and made on the heap. What returns 0 without an exception has met damage,
 * or something that it leaves to the pure implementation, which is given the whole document then. So
 * it must hold that nothing is written here that is refused there. As with the reader (to_bson.h), the
 * GIL may be given up meanwhile. */
typedef struct {
    const uint8_t *p;        /* next byte to read */
    const uint8_t *document; /* where the document starts */
    bx_writer w;
    bx_state *st;
    int mode;  /* see encode.h */
    int dates;
    int uuids; /* the representation that the options name */
    bool strict_number_long;
    bool strict_uuid;
    bool ascii;
    PyThreadState *thread;
    bx_noted_keys keys;
    bx_shown *top;
    bx_shown open[BX_MAX_DEPTH + 1]; /* from the second one on */
} bx_shower;

/* The text of the one document that `data` (bytes-like) is: a str, None where the pure implementation
 * is to write it, NULL with an exception. */
PyObject *bx_json_from_bson(bx_json *j, PyObject *data, PyObject *options, bool ascii);

/* The lines of the documents in `data` (bytes) from `start` on: (bytes, position of the first document
 * that the pure implementation is to write, or the size). None: all of them. NULL with an exception. */
PyObject *bx_json_write_lines(bx_json *j, PyObject *data, Py_ssize_t start, PyObject *options,
                              bool ascii);

/* ---- between the files of the writer ---- */

BX_COLD int bx_shower_grow(bx_shower *s, size_t size);

BX_INLINE int bx_shower_reserve(bx_shower *s, size_t size)
{
    if (BX_UNLIKELY((size_t)(s->w.end - s->w.p) < size)) return bx_shower_grow(s, size);
    return 0;
}

/* Append text that is in the source, for which there is room. */
#define BX_SHOW(s, literal) bx_put_bytes(&(s)->w, literal, sizeof(literal) - 1)

/* Append UTF-8 in quotes: 1, 0 if it is none, -1. */
int bx_show_text(bx_shower *s, const uint8_t *text, size_t size);

/* Begin a document or array at s->p, which must end by `end`: 1, 0, -1. */
int bx_show_open(bx_shower *s, const uint8_t *end, bx_shown_kind kind);

/* Append the value of type `type` at s->p, which must end by `end`, and pass it: 1, 0, -1. A document
 * or an array is begun. */
int bx_show_value(bx_shower *s, uint8_t type, const uint8_t *end);

#endif
