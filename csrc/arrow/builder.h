/* Columns built of BSON documents, without Python's objects. */
#ifndef BSONX_ARROW_BUILDER_H
#define BSONX_ARROW_BUILDER_H

#include "arrow/column.h"
#include "arrow/data.h"

/* Memory that grows. */
typedef struct {
    uint8_t *p;
    size_t size, room;
    size_t before; /* the size that it had when it was last given away: the next is alike */
} bx_memory;

typedef struct bx_builder {
    /* the plan, as a column has it; see bx_arrow_builder_new for what the numbers are here */
    uint8_t kind;
    int64_t a, b;
    const uint8_t *name;
    size_t name_size;
    PyObject *path;
    struct bx_builder *children;
    int n_children;

    int64_t length, nulls;
    bx_memory validity; /* empty while nothing is null */
    bx_memory values;   /* values, or offsets */
    bx_memory data;
    int expected;       /* of a document: the child that the next field may be */
} bx_builder;

typedef struct bx_arrow_builder bx_arrow_builder;

/* Make one of a plan: a column's tuple (column.h), whose kinds have these numbers here:
 *
 *     DECIMAL: a: scale, b: digits         TEXT, BINARY: a: bits of an offset
 *     FIXED: a: bytes, b: form             TIMESTAMP: a: units a millisecond, or b: the reverse
 *     LIST: a: bits of an offset           FIXED_LIST: a: values
 *     MAP: its child is a struct of a text and the values
 *
 * `strict`: a field that no column has is an error, else it is passed over. `lenient`: what does
 * not fit its column becomes null, else it is an error. NULL with an exception. */
bx_arrow_builder *bx_arrow_builder_new(bx_state *st, PyObject *plan, bool strict, bool lenient);

void bx_arrow_builder_free(bx_arrow_builder *b);

/* Add documents: bytes with one behind the other, or a list of RawBSONDocuments or bytes. How many
 * there were, or -1 with an exception; nothing can be added after one. */
Py_ssize_t bx_arrow_builder_append(bx_arrow_builder *b, PyObject *documents);

/* What has been added, as an object (data.h); the builder is empty then. */
PyObject *bx_arrow_builder_finish(bx_arrow_builder *b);

/* How many rows there are, and of how many bytes of BSON. */
int64_t bx_arrow_builder_rows(const bx_arrow_builder *b);
int64_t bx_arrow_builder_size(const bx_arrow_builder *b);

/* What is in documents: a tuple (name, types, row, first, fields, items). `types` has a bit for
 * each type (inference.c), `row` is the first that had the last of them, `first` the first of them
 * that is not null. `fields` is a tuple of what is in documents, `items` what is in arrays, or
 * None. */
PyObject *bx_arrow_types(bx_state *st, PyObject *documents);

/* ---- shared by the parts ---- */

/* Documents one after the other. */
typedef struct {
    bx_state *st;
    PyObject *source;   /* the list, or NULL */
    Py_ssize_t next;    /* in it */
    Py_buffer view;     /* the bytes; view.obj NULL: none */
    const uint8_t *p, *end;
    PyObject *held;     /* what keeps the document at hand */
} bx_documents_in;

/* -1 with an exception. */
int bx_documents_in_open(bx_state *st, PyObject *documents, bx_documents_in *in);

/* The elements of the next document: 1 and where they begin and end, 0 at the end, -1 with an
 * exception. */
int bx_documents_in_next(bx_documents_in *in, const uint8_t **p, const uint8_t **last);

void bx_documents_in_close(bx_documents_in *in);

/* What became of a value. */
enum {
    BX_BUILD_OK = 0,
    BX_BUILD_EXCEPTION = -1,
    BX_BUILD_MISFIT = -2, /* it does not fit its column */
    BX_BUILD_BROKEN = -3  /* it is no BSON */
};

/* Room for more bytes; -1 with MemoryError. */
int bx_memory_grow(bx_memory *m, size_t more);

BX_INLINE int bx_memory_reserve(bx_memory *m, size_t more)
{
    return BX_LIKELY(m->room - m->size >= more) ? 0 : bx_memory_grow(m, more);
}

/* Append a value that is not null, of a column that has no columns in it: build_values.c. */
int bx_build_value(bx_builder *c, uint8_t type, const uint8_t *v, const uint8_t *next);

/* Append `n` zero bytes to the values, or as many offsets like the last. */
int bx_build_zeros(bx_builder *c, int64_t n);

#endif
