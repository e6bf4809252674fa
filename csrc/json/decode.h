/* Between the files of the JSON decoder. */
#ifndef BSONX_JSON_DECODE_H
#define BSONX_JSON_DECODE_H

#include "core/guard.h"
#include "core/options.h"
#include "json/cursor.h"
#include "json/json.h"

/* A function that returns NULL without an exception has met something that is not JSON, or that it
 * leaves to the pure implementation; the text is then read again by that one, which has the words
 * for every error. So it must hold that nothing is accepted here that is refused there. */
typedef struct {
    union {
        bx_cursor at; /* a NUL stands at its end */
        struct {
            const uint8_t *p, *end;
        };
    };
    bx_json *j;
    bx_state *st;
    const bx_options *options;
    PyObject *json_options; /* borrowed */
    bool strict;            /* what would get lost is left to the pure implementation */
    bx_keycache *keys;      /* NULL: not available to this call */
    bx_guard guard;
} bx_json_decoder;

/* The string that starts at d->p: new reference; NULL with or without an exception. */
PyObject *bx_json_read_string(bx_json_decoder *d);

/* A str from UTF-8 in which surrogates may be encoded. */
PyObject *bx_json_text(const uint8_t *text, size_t size);

/* A number as a double: 1, 0 if the text is not wholly one JSON number or (strict) nothing of it
 * would be left, -1 with an exception. */
int bx_json_span_as_double(bx_json_decoder *d, bx_json_span span, double *value);

/* Try to read the object at d->p (behind its brace, at a key that starts with "$") as a type wrapper
 * in its usual form. 1: *value is new; 0: not such a wrapper, d->p is where it was; -1 with an
 * exception. Takes time linear in the wrapper's own text: it never reads a nested document. */
int bx_json_read_wrapper(bx_json_decoder *d, PyObject **value);

/* The value of a document with a key that starts with "$": itself, or what it stands for. Takes the
 * reference, gives one; NULL with an exception. */
PyObject *bx_json_apply_hook(bx_json_decoder *d, PyObject *document);

#endif
