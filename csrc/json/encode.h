/* Between the files of the JSON encoder. */
#ifndef BSONX_JSON_ENCODE_H
#define BSONX_JSON_ENCODE_H

#include "core/guard.h"
#include "core/writer.h"
#include "json/json.h"
#include "json/text.h"

enum { BX_JSON_LEGACY = 0, BX_JSON_RELAXED = 1, BX_JSON_CANONICAL = 2 };
enum { BX_JSON_DATE_LEGACY = 0, BX_JSON_DATE_NUMBERLONG = 1, BX_JSON_DATE_ISO8601 = 2 };

typedef struct {
    bx_writer w;
    bx_json *j;
    bx_state *st;
    PyObject *options;            /* the JSONOptions (borrowed) */
    const bx_json_layout *layout; /* NULL: the usual one */
    int mode;
    int dates;
    bool strict_number_long;
    bool ascii;
    bool plain; /* values are final: write them as json.dumps does */
    bx_guard guard;
} bx_json_encoder;

/* Append a value. -1 with an exception. */
int bx_json_put_value(bx_json_encoder *e, PyObject *value);

/* Append an exact dict, or an instance of a subclass as if it were one. */
int bx_json_put_dict(bx_json_encoder *e, PyObject *dict);

/* Append a value of a known type in the usual layout: 1 done, 0 another type, -1 with an
 * exception. */
int bx_json_put_known(bx_json_encoder *e, PyObject *value);

/* Whether an attribute is true; -1 with an exception. */
int bx_json_read_truth(PyObject *object, PyObject *name);

/* Append text that is in the source; `size` counts no NUL. */
BX_INLINE int bx_json_put_literal(bx_json_encoder *e, const char *text, size_t size)
{
    if (bx_writer_reserve(&e->w, size) < 0) return -1;
    bx_put_bytes(&e->w, text, size);
    return 0;
}

#define BX_JSON_PUT(e, literal) bx_json_put_literal(e, literal, sizeof(literal) - 1)

#endif
