/* What went wrong in encoding, and where: InvalidDocument, `.path` and `.document`. */
#include <stdarg.h>

#include "core/encode.h"

int bx_invalid_document(bx_encoder *e, const char *format, ...)
{
    PyObject *message;
    va_list args;

    va_start(args, format);
    message = PyUnicode_FromFormatV(format, args);
    va_end(args);
    if (message != NULL) {
        PyErr_SetObject(e->st->InvalidDocument, message);
        Py_DECREF(message);
    }
    return -1;
}

/* Append to the path, keeping the pending exception. */
static void path_add(bx_encoder *e, PyObject *part)
{
    PyObject *exception;

    Py_XINCREF(part); /* new objects may start the collector, and that Python code */
    exception = bx_take_exception();
    if (part != NULL) {
        if (e->path == NULL) e->path = PyList_New(0);
        if (e->path == NULL || PyList_Append(e->path, part) < 0) PyErr_Clear();
    } else {
        PyErr_Clear();
    }
    Py_XDECREF(part);
    bx_raise_exception(exception);
}

void bx_path_add_key(bx_encoder *e, PyObject *key)
{
    /* A key that is no str is itself the problem of the document around it. */
    if (PyUnicode_Check(key)) path_add(e, key);
}

void bx_path_add_index(bx_encoder *e, Py_ssize_t index)
{
    PyObject *exception = bx_take_exception();
    PyObject *part = PyLong_FromSsize_t(index);

    PyErr_Clear();
    bx_raise_exception(exception);
    path_add(e, part);
    Py_XDECREF(part);
}

/* "items[3].price" from the parts, which are innermost first. */
static PyObject *path_text(PyObject *parts)
{
    PyObject *text = PyUnicode_FromString("");

    for (Py_ssize_t i = parts ? PyList_GET_SIZE(parts) : 0; text != NULL && i-- > 0;) {
        PyObject *part = PyList_GET_ITEM(parts, i);
        const char *format = PyLong_CheckExact(part)          ? "%U[%S]"
                             : PyUnicode_GET_LENGTH(text) == 0 ? "%U%S"
                                                               : "%U.%S";

        Py_SETREF(text, PyUnicode_FromFormat(format, text, part));
    }
    return text;
}

/* Whether the path leads into the leading `_id`, for which PyMongo's messages have no prefix. */
static bool is_within_id(bx_encoder *e)
{
    PyObject *top;

    if (e->path == NULL || PyList_GET_SIZE(e->path) == 0) return false;
    top = PyList_GET_ITEM(e->path, PyList_GET_SIZE(e->path) - 1);
    return PyUnicode_Check(top) && PyUnicode_Compare(top, e->st->s_id) == 0;
}

/* Complete an InvalidDocument, the caller's own included: prefix of the message, `.document`. */
static int complete_invalid_document(bx_encoder *e, PyObject *exception, PyObject *document)
{
    PyObject *text, *args = NULL;
    int status = -1;

    if (!is_within_id(e)) {
        text = PyUnicode_FromFormat("Invalid document: %S", exception);
        if (text != NULL) args = PyTuple_Pack(1, text);
        Py_XDECREF(text);
        if (args == NULL || PyObject_SetAttrString(exception, "args", args) < 0) goto done;
    }
    status = PyObject_SetAttrString(exception, "_document", document);
done:
    Py_XDECREF(args);
    return status;
}

void bx_complete_error(bx_encoder *e, PyObject *document)
{
    PyObject *exception = bx_take_exception();
    PyObject *text = path_text(e->path);

    if (text == NULL || PyObject_SetAttr(exception, e->st->s_path, text) < 0) PyErr_Clear();
    Py_XDECREF(text);
    if (PyObject_IsInstance(exception, e->st->InvalidDocument) == 1 &&
        complete_invalid_document(e, exception, document) < 0) {
        PyErr_Clear();
    }
    bx_raise_exception(exception);
}
