/* Rows of columns as BSON. */
#ifndef BSONX_ARROW_TO_BSON_H
#define BSONX_ARROW_TO_BSON_H

#include "arrow/column.h"
#include "core/documents.h"

typedef struct {
    bx_state *st;
    bx_documents documents;
    bool omit_nulls;       /* leave out fields that are null; else they are written as null */
    bool uint64_decimal;   /* what is too large for an int64 becomes a Decimal128 */
    const bx_column *bad;  /* the column of the value that could not be written, and why: a new */
    PyObject *problem;     /* reference */
} bx_row_writer;

/* What cannot be written. */
enum {
    BX_ROW_OK = 0,
    BX_ROW_EXCEPTION = -1, /* an exception is set */
    BX_ROW_VALUE = -2,     /* `bad` and `problem`: a value has no BSON form */
    BX_ROW_ARRAY = -3      /* the same: the array contradicts itself */
};

/* Write the element of value `i` of a column, which is bound, under its name. */
int bx_row_put(bx_row_writer *w, bx_column *c, int64_t i);

/* The same under another name; its NUL is counted. */
int bx_row_put_named(bx_row_writer *w, bx_column *c, int64_t i, const uint8_t *name, size_t size);

/* Whether value `i` is null, as far as indices and runs. */
bool bx_row_is_null(bx_column *c, int64_t i);

#endif
