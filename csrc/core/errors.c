/* How InvalidBSON is raised. */
#include "core/errors.h"

/* `cause` is handed over, or NULL. */
static void raise_invalid_bson(bx_state *st, Py_ssize_t offset, PyObject *message,
                               PyObject *cause)
{
    PyObject *exception = PyObject_CallOneArg(st->InvalidBSON, message);
    PyObject *position;

    if (exception == NULL) {
        Py_XDECREF(cause);
        return;
    }
    if (cause != NULL) PyException_SetCause(exception, cause);
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

void *bx_invalid_bson_v(bx_state *st, Py_ssize_t offset, const char *format, va_list args)
{
    PyObject *message = PyUnicode_FromFormatV(format, args);

    if (message != NULL) {
        raise_invalid_bson(st, offset, message, NULL);
        Py_DECREF(message);
    }
    return NULL;
}

void *bx_invalid_bson(bx_state *st, Py_ssize_t offset, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    bx_invalid_bson_v(st, offset, format, args);
    va_end(args);
    return NULL;
}

void *bx_wrap_invalid_bson(bx_state *st, Py_ssize_t offset)
{
    PyObject *exception, *message;

    if (!PyErr_ExceptionMatches(PyExc_Exception) || PyErr_ExceptionMatches(st->InvalidBSON) ||
        PyErr_ExceptionMatches(PyExc_MemoryError) ||
        PyErr_ExceptionMatches(PyExc_RecursionError)) {
        return NULL;
    }
    exception = bx_take_exception();
    message = PyObject_Str(exception);
    if (message == NULL) {
        Py_DECREF(exception);
        return NULL;
    }
    raise_invalid_bson(st, offset, message, exception);
    Py_DECREF(message);
    return NULL;
}
