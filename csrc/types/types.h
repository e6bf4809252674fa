/* The extension types: layouts, constructors for the decoder, and quick access for the encoder. */
#ifndef BSONX_TYPES_H
#define BSONX_TYPES_H

#include "core/state.h"

typedef struct {
    PyObject_HEAD
    uint8_t bytes[12];
} bx_objectid;

typedef struct {
    PyObject_HEAD
    uint32_t time;
    uint32_t inc;
    bool time_is_bool; /* given as True or False, and read as that again */
    bool inc_is_bool;
} bx_timestamp;

typedef struct {
    PyObject_HEAD
    uint64_t high;
    uint64_t low;
} bx_decimal128;

typedef struct {
    PyObject_HEAD
    int64_t millis;
} bx_datetime_ms;

/* Each creates its type, owned by `module`: new reference, or NULL with an exception. */
PyTypeObject *bx_objectid_type(PyObject *module);
PyTypeObject *bx_timestamp_type(PyObject *module);
PyTypeObject *bx_decimal128_type(PyObject *module);
PyTypeObject *bx_datetime_ms_type(PyObject *module);
PyTypeObject *bx_int64_type(PyObject *module);

/* Fill 12 bytes with a fresh ObjectId; -1 with an exception if no randomness is to be had. */
int bx_objectid_generate(bx_state *st, uint8_t *bytes);

/* Forget the random part: to be called in a forked child. */
void bx_objectid_after_fork(bx_state *st);

PyObject *bx_timestamp_new(bx_state *st, uint32_t time, uint32_t inc);
PyObject *bx_decimal128_new(bx_state *st, uint64_t high, uint64_t low);
PyObject *bx_datetime_ms_new(bx_state *st, int64_t millis);
PyObject *bx_int64_new(bx_state *st, int64_t value);

/* See whether ints are laid out as we know it (core/pylong.h), which later versions of CPython may
 * change: bx_int64_new goes by that. -1 with an exception. */
int bx_int64_check_layout(bx_state *st);

BX_INLINE PyObject *bx_objectid_new(bx_state *st, const uint8_t *bytes)
{
    bx_objectid *self = PyObject_New(bx_objectid, st->ObjectId);

    if (self != NULL) memcpy(self->bytes, bytes, 12);
    return (PyObject *)self;
}

/* Instances of the classes that are written in Python, made without calling Python. */
PyObject *bx_binary_new(bx_state *st, const uint8_t *data, Py_ssize_t size, int subtype);
PyObject *bx_code_new(bx_state *st, PyObject *text, PyObject *scope);
PyObject *bx_regex_new(bx_state *st, PyObject *pattern, long flags);
PyObject *bx_uuid_new(bx_state *st, const uint8_t *bytes);

/* Shared by the types: what a deallocator of an instance without references does. */
void bx_plain_dealloc(PyObject *self);

/* Create a type of `module` with its `_type_marker`: new reference, or NULL with an exception. */
PyTypeObject *bx_create_type(PyObject *module, PyType_Spec *spec, PyTypeObject *base,
                             long marker);

/* Add a method of the class, as a classmethod object, which inspection shows as one (unlike
 * METH_CLASS). The function gets the type as `self` and the class as its first argument; where it
 * is made by BX_CLASS_METHOD that has been checked to be a class of the type, whoever calls it. */
int bx_add_classmethod(PyTypeObject *type, PyMethodDef *method);

/* Whether there is a first argument and it is a class of `type`; TypeError if not. */
bool bx_is_class_argument(PyObject *type, const char *name, PyObject *const *args, Py_ssize_t n);

/* Define `function`_checked, for BX_CLASS_METHOD_DEF. `function` gets the class, its arguments
 * without the class, their count, and the names of the keyword arguments. */
#define BX_CLASS_METHOD(function)                                                                 \
    static PyObject *function##_checked(PyObject *type, PyObject *const *args, Py_ssize_t n,      \
                                        PyObject *names)                                          \
    {                                                                                             \
        if (!bx_is_class_argument(type, #function, args, n)) return NULL;                         \
        return function((PyTypeObject *)args[0], args + 1, n - 1, names);                         \
    }

#define BX_CLASS_METHOD_DEF(function, doc)                                                        \
    {#function, (PyCFunction)(void (*)(void))function##_checked, METH_FASTCALL | METH_KEYWORDS, doc}

/* The one argument `name` of a function with METH_FASTCALL | METH_KEYWORDS (borrowed), or NULL with
 * TypeError. */
PyObject *bx_one_argument(const char *function, const char *name, PyObject *const *args,
                          Py_ssize_t n, PyObject *names);

PyObject *bx_compare_int64(int64_t a, int64_t b, int op);

/* The one argument `name` of a call: 1 given (borrowed), 0 not given, -1 TypeError. */
int bx_parse_one(const char *function, const char *name, PyObject *args, PyObject *kwargs,
                 PyObject **value);

#endif
