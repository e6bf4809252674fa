/* Many records of JSON text to BSON documents. */
#ifndef BSONX_JSON_RECORDS_H
#define BSONX_JSON_RECORDS_H

#include "core/state.h"

/* Where a stream of values is: the numbers are those of bsonx._py.json.lines. */
enum {
    BX_STREAM_START,
    BX_STREAM_SEQUENCE,
    BX_STREAM_ARRAY,
    BX_STREAM_AFTER_ITEM,
    BX_STREAM_END,
    BX_STREAM_BAD_START,
    BX_STREAM_BAD_END
};

/* The arguments of both functions; everything is borrowed. */
typedef struct {
    PyObject *data; /* bytes */
    Py_ssize_t start;
    long long line;
    int state; /* of read_values */
    bool final;
    PyObject *first_id; /* 12 bytes, or None */
    Py_ssize_t max_documents;
    Py_ssize_t max_bytes;
    PyObject *id_field; /* str, or None */
    PyObject *convert;  /* takes the bytes of a record that is not understood here, gives BSON */
} bx_records_arguments;

/* See the functions of the same name in bsonx._py.json.lines; NULL with an exception. */
PyObject *bx_json_read_lines(bx_state *st, const bx_records_arguments *arguments);
PyObject *bx_json_read_values(bx_state *st, const bx_records_arguments *arguments);

#endif
