/* What Binary, Code and Regex keep their values in. The classes themselves are written in Python,
 * once for both implementations; their bases here give them fields in the instance, where others
 * would need a dict each. */
#ifndef BSONX_STORAGE_H
#define BSONX_STORAGE_H

#include "core/state.h"

typedef struct {
    PyUnicodeObject text;
    PyObject *scope; /* these three: NULL if not set */
    PyObject *dict;
    PyObject *weakrefs;
} bx_code;

typedef struct {
    PyObject_HEAD
    PyObject *pattern; /* NULL: deleted */
    PyObject *flags;
} bx_regex;

/* Each creates the base class, owned by `module`: new reference, or NULL with an exception. */
PyTypeObject *bx_binary_storage(PyObject *module);
PyTypeObject *bx_code_storage(PyObject *module);
PyTypeObject *bx_regex_storage(PyObject *module);

/* The subtype of an instance of Binary or of a class of it: behind the bytes and their final NUL.
 * NULL if not set. */
BX_INLINE PyObject **bx_binary_subtype(PyObject *self)
{
    size_t at = offsetof(PyBytesObject, ob_sval) + (size_t)PyBytes_GET_SIZE(self) + 1;

    return (PyObject **)((char *)self + ((at + sizeof(void *) - 1) & ~(sizeof(void *) - 1)));
}

/* Raise AttributeError for a field that is not set. */
BX_COLD void bx_not_stored(PyObject *self, const char *name);

/* The value of a field, which another thread may be setting: new reference, or NULL with
 * AttributeError. */
BX_INLINE PyObject *bx_stored(PyObject *self, PyObject **field, const char *name)
{
    PyObject *value;

    Py_BEGIN_CRITICAL_SECTION(self);
    value = Py_XNewRef(*field);
    Py_END_CRITICAL_SECTION();
    if (BX_UNLIKELY(value == NULL)) bx_not_stored(self, name);
    return value;
}

#endif
