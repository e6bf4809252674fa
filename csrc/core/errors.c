#include "core/errors.h"

#include <stdarg.h>

static void raise_invalid_bson(bx_state *st, Py_ssize_t offset, PyObject *message)
{
    PyObject *exception = PyObject_CallOneArg(st->InvalidBSON, message);
    PyObject *position;

    if (exception == NULL) return;
    position = PyLong_FromSsize_t(offset);
    if (position == NULL || PyObject_SetAttr(exception, st->s_offset, position) < 0) {
        Py_XDECREF(position);
        Py_DECREF(exception);
        return;
    }
    Py_DECREF(position);
    PyErr_SetObject(st->InvalidBSON, exception);
    Py_DECREF(exception);
}

void *bx_invalid_bson(bx_state *st, Py_ssize_t offset, const char *format, ...)
{
    PyObject *message;
    va_list args;

    va_start(args, format);
    message = PyUnicode_FromFormatV(format, args);
    va_end(args);
    if (message != NULL) {
        raise_invalid_bson(st, offset, message);
        Py_DECREF(message);
    }
    return NULL;
}

void *bx_wrap_invalid_bson(bx_state *st, Py_ssize_t offset)
{
    PyObject *exception, *message;

    if (!PyErr_ExceptionMatches(PyExc_Exception) || PyErr_ExceptionMatches(st->InvalidBSON) ||
        PyErr_ExceptionMatches(PyExc_MemoryError)) {
        return NULL;
    }
    exception = bx_take_exception();
    message = PyObject_Str(exception);
    Py_DECREF(exception);
    if (message != NULL) {
        raise_invalid_bson(st, offset, message);
        Py_DECREF(message);
    }
    return NULL;
}
