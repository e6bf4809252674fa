/* What is made of the rows of CSV: columns with names and types, prepared once. */
#ifndef BSONX_CSV_PLAN_H
#define BSONX_CSV_PLAN_H

#include "core/state.h"

/* Types of columns, by the numbers of bsonx._py.csv.plan.KINDS; those with GUESSED leave text that
 * does not fit as it is. */
typedef enum {
    BX_CSV_STR,
    BX_CSV_INT,
    BX_CSV_FLOAT,
    BX_CSV_DECIMAL,
    BX_CSV_BOOL,
    BX_CSV_DATE,
    BX_CSV_OBJECTID,
    BX_CSV_SKIP,
    BX_CSV_GUESSED_INT,
    BX_CSV_GUESSED_FLOAT,
    BX_CSV_GUESSED_BOOL,
    BX_CSV_GUESSED_DATE,
    BX_CSV_KINDS
} bx_csv_kind;

typedef struct {
    bx_csv_kind kind;
    uint8_t *name; /* with its NUL */
    size_t name_size;
    PyObject *nulls;        /* tuple of bytes: texts that mean null */
    uint64_t null_first[4]; /* the bytes they begin with, and whether one is empty */
    bool null_is_empty;
} bx_csv_column;

typedef struct {
    bx_csv_column *columns;
    size_t count;
    uint8_t delimiter, newline;
    uint8_t point; /* in front of fractions: a point or a comma */
    uint8_t other; /* the other end of a line, which is left out in front of `newline` */
    size_t longest;
    bool omit_nulls, id_needed;
    Py_ssize_t id_column; /* -1: none */
    bool stops[256];      /* what ends plain text: delimiter, ends of lines, NUL */
    PyObject *slow;       /* (column, text: bytes) -> type and value in BSON; ValueError */
} bx_csv_plan;

/* The arguments of bx_csv_compile; everything is borrowed. */
typedef struct {
    PyObject *columns; /* sequence of (name: bytes, kind: int, nulls: tuple of bytes) */
    int delimiter, newline;
    Py_ssize_t longest;
    int point;
    bool omit_nulls, id_needed;
    Py_ssize_t id_column;
    PyObject *slow;
} bx_csv_plan_arguments;

/* A capsule that holds a plan, or NULL with an exception. */
PyObject *bx_csv_compile(const bx_csv_plan_arguments *arguments);

/* The plan in it, or NULL with an exception. */
const bx_csv_plan *bx_csv_plan_of(PyObject *capsule);

/* Whether text means null in a column. */
bool bx_csv_is_null(const bx_csv_column *column, const uint8_t *text, size_t size);

#endif
