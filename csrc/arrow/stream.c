/* Streams that give what a Python function returns. Their consumers may call from any thread, with
 * the interpreter or without it. */
#include "arrow/data.h"
#include "arrow/schema.h"

#include <errno.h>

typedef struct {
    PyObject *field;
    PyObject *next;
    PyObject *failed;
    PyObject *text; /* of the last error: a bytes object */
} source;

/* Keep the text of the pending exception, and tell who wants the exception itself. */
static int note_failure(source *s)
{
    PyObject *exception = bx_take_exception();
    bool memory = PyErr_GivenExceptionMatches(exception, PyExc_MemoryError);
    PyObject *text = PyObject_Str(exception);
    PyObject *full = text == NULL ? NULL
                     : PyUnicode_GET_LENGTH(text) > 0
                         ? PyUnicode_FromFormat("%s: %U", Py_TYPE(exception)->tp_name, text)
                         : PyUnicode_FromString(Py_TYPE(exception)->tp_name);
    PyObject *told = PyObject_CallOneArg(s->failed, exception);

    PyErr_Clear();
    Py_XSETREF(s->text, full == NULL ? NULL : PyUnicode_AsEncodedString(full, "utf-8", "replace"));
    PyErr_Clear();
    Py_XDECREF(told);
    Py_XDECREF(full);
    Py_XDECREF(text);
    Py_DECREF(exception);
    return memory ? ENOMEM : EIO;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    source *s = stream->private_data;
    PyGILState_STATE state = PyGILState_Ensure();
    int status = bx_arrow_fill_schema(s->field, out) < 0 ? note_failure(s) : 0;

    PyGILState_Release(state);
    return status;
}

static int next_array(source *s, struct ArrowArray *out)
{
    PyObject *object = PyObject_CallNoArgs(s->next);
    bx_arrow_data *data;
    int status = 0;

    if (object == NULL) return -1;
    memset(out, 0, sizeof(*out));
    if (object != Py_None) {
        data = bx_arrow_data_of(object);
        status = data == NULL ? -1 : bx_arrow_data_give(data, out);
        if (data != NULL && status < 0) PyErr_NoMemory();
    }
    Py_DECREF(object);
    return status;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    source *s = stream->private_data;
    PyGILState_STATE state = PyGILState_Ensure();
    int status = next_array(s, out) < 0 ? note_failure(s) : 0;

    PyGILState_Release(state);
    return status;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    const source *s = stream->private_data;

    return s->text == NULL ? NULL : PyBytes_AS_STRING(s->text);
}

static void release_stream(struct ArrowArrayStream *stream)
{
    source *s = stream->private_data;
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *exception = bx_take_exception();

    stream->release = NULL;
    Py_DECREF(s->field);
    Py_DECREF(s->next);
    Py_DECREF(s->failed);
    Py_XDECREF(s->text);
    PyMem_RawFree(s);
    if (exception != NULL) bx_raise_exception(exception);
    PyGILState_Release(state);
}

static void drop_stream(PyObject *capsule)
{
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, BX_ARROW_STREAM);

    if (stream->release != NULL) stream->release(stream);
    PyMem_RawFree(stream);
}

PyObject *bx_arrow_stream_capsule(PyObject *field, PyObject *next, PyObject *failed)
{
    struct ArrowArrayStream *stream;
    source *s;
    PyObject *capsule;

    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_RuntimeError,
                        "streams of Arrow are given by the main interpreter only");
        return NULL;
    }
    stream = PyMem_RawCalloc(1, sizeof(struct ArrowArrayStream));
    s = PyMem_RawCalloc(1, sizeof(source));
    if (stream == NULL || s == NULL) {
        PyMem_RawFree(stream);
        PyMem_RawFree(s);
        return PyErr_NoMemory();
    }
    s->field = Py_NewRef(field);
    s->next = Py_NewRef(next);
    s->failed = Py_NewRef(failed);
    *stream = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release_stream, s};
    capsule = PyCapsule_New(stream, BX_ARROW_STREAM, drop_stream);
    if (capsule == NULL) {
        release_stream(stream);
        PyMem_RawFree(stream);
    }
    return capsule;
}
