/* Arrays that were built, and giving them away. */
#ifndef BSONX_ARROW_DATA_H
#define BSONX_ARROW_DATA_H

#include "arrow/abi.h"
#include "core/state.h"

/* An array with its memory. It never changes; its owner is counted, and those it was given to. */
typedef struct bx_arrow_data {
    long owners; /* of the root; changed by any thread, with or without an interpreter */
    int64_t length;
    int64_t nulls;
    int n_buffers;
    void *buffers[3]; /* of PyMem_RawMalloc */
    int n_children;
    struct bx_arrow_data **children;
} bx_arrow_data;

/* An empty one with room for children, all NULL; NULL without an exception if memory is short. */
bx_arrow_data *bx_arrow_data_new(int n_children);

/* Give up an owner's part, or all of one that nobody else has. */
void bx_arrow_data_drop(bx_arrow_data *data);

/* Fill an array with it, which then is an owner more. -1 without an exception if memory is
 * short. */
int bx_arrow_data_give(bx_arrow_data *data, struct ArrowArray *out);

/* An object that owns it (the reference is taken, also in failure), for what follows. */
PyObject *bx_arrow_data_object(bx_arrow_data *data);

/* What an object owns: borrowed, or NULL with an exception. */
bx_arrow_data *bx_arrow_data_of(PyObject *object);

/* A capsule with an array; more can be made of one object. */
PyObject *bx_arrow_array_capsule(PyObject *object);

/* A capsule with a stream of a schema (a field, see schema.h): its arrays are what `next()`
 * returns, objects as above, until that is None. The text of an exception is the stream's error,
 * and `failed(exception)` gets the exception. */
PyObject *bx_arrow_stream_capsule(PyObject *field, PyObject *next, PyObject *failed);

#endif
