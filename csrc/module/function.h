/* The functions of the module that are called most: objects that know the state they work with.
 *
 * A call of one costs less than one of a Cython function. Like a function written in Python it has
 * attributes of its own (the public ones take over name, documentation and annotations of their
 * twins), is bound to instances when it is found in a class, and is pickled by its name. */
#ifndef BSONX_FUNCTION_H
#define BSONX_FUNCTION_H

#include "module/arguments.h"
#include "core/state.h"

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    bx_state *st;
    PyObject *core; /* the owner of `st` */
    PyObject *dict, *weakrefs;
    const char *text_signature; /* for inspect */
} bx_function;

/* What a function is made of. */
typedef struct {
    vectorcallfunc call;
    const bx_signature *signature;
    const char *text_signature, *doc;
} bx_function_def;

/* The type of functions, owned by `core`: new reference, or NULL with an exception. */
PyTypeObject *bx_function_type(PyObject *core);

PyObject *bx_function_new(PyTypeObject *type, bx_state *st, const bx_function_def *def);

/* The state of the function that is called. */
BX_INLINE bx_state *bx_called(PyObject *function) { return ((bx_function *)function)->st; }

#endif
