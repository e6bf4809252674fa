/* Reading a stream of Arrow arrays: who calls what is in bsonx/arrow. */
#ifndef BSONX_ARROW_READER_H
#define BSONX_ARROW_READER_H

#include "arrow/to_bson.h"

typedef struct bx_arrow_reader bx_arrow_reader;

typedef struct {
    Py_ssize_t max_documents;
    Py_ssize_t max_bytes;
    int id;           /* the column that becomes `_id`; -1: none */
    bool id_needed;   /* a document whose `_id` is null is refused; else it gets a new one */
    bool add_ids;     /* documents without an `_id` get one: */
    const uint8_t *first_id; /* counted from these 12 bytes on, by documents; NULL: a new one */
    bool omit_nulls;
    bool uint64_decimal;
    bool collect;     /* what has no BSON form is collected; else it is raised */
    PyObject *describe; /* called with the address of the array and the row in it for what is
                         * collected; NULL: nothing is */
} bx_arrow_reading;

/* Take what a capsule holds, an ArrowArrayStream; it is empty then. NULL with an exception. */
bx_arrow_reader *bx_arrow_reader_of_stream(bx_state *st, PyObject *capsule);

/* The same for a schema and one array. */
bx_arrow_reader *bx_arrow_reader_of_array(bx_state *st, PyObject *schema, PyObject *array);

/* Release everything; may be called again. What is being read is released by the end of that. */
void bx_arrow_reader_close(bx_arrow_reader *r);

/* The same, and the reader itself. */
void bx_arrow_reader_free(bx_arrow_reader *r);

/* The schema as fields, see schema.h. */
PyObject *bx_arrow_reader_fields(bx_arrow_reader *r);

/* Set the plan of the columns. -1 with an exception. */
int bx_arrow_reader_set_plan(bx_arrow_reader *r, PyObject *plan);

/* The next documents: (documents, ends, first row, row behind the last one, whether every document
 * was given its `_id`, rejects), or None at the end. Rejects are a list of (row, path of the
 * column, problem, what `describe` has returned if there is one), or None where there are none. */
PyObject *bx_arrow_reader_read(bx_arrow_reader *r, const bx_arrow_reading *reading);

#endif
