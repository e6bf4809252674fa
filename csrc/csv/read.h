/* A buffer of CSV text to BSON documents. */
#ifndef BSONX_CSV_READ_H
#define BSONX_CSV_READ_H

#include "csv/plan.h"

/* The arguments; everything is borrowed. */
typedef struct {
    PyObject *plan; /* made by bx_csv_compile */
    PyObject *data; /* bytes */
    Py_ssize_t start;
    long long line;
    bool at_end;
    PyObject *first_id; /* 12 bytes, or None */
    Py_ssize_t most, most_bytes;
} bx_csv_read_arguments;

/* As csv_read in bsonx._py.csv.read; NULL with an exception. */
PyObject *bx_csv_read(bx_state *st, const bx_csv_read_arguments *arguments);

#endif
