#include "core/run_coroutine.h"

static PyObject *refuse_suspended(PyObject *coroutine)
{
    PyObject *closed = PyObject_CallMethod(coroutine, "close", NULL);

    if (closed == NULL) return NULL;
    Py_DECREF(closed);
    PyErr_SetString(PyExc_RuntimeError, "coroutine suspended on the blocking backend");
    return NULL;
}

PyObject *bx_run_coroutine(PyObject *coroutine)
{
    PyObject *result = NULL;

    switch (PyIter_Send(coroutine, Py_None, &result)) {
    case PYGEN_RETURN:
        return result;
    case PYGEN_NEXT:
        Py_DECREF(result);
        return refuse_suspended(coroutine);
    default:
        return NULL;
    }
}
