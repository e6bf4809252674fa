/* Int64: an int that is always stored as a BSON int64. A type of its own, because instances of a
 * class statement's types are garbage-collected objects: larger and slower to make and free. */
#include "core/pylong.h"
#include "types/types.h"

/* By the constructor of int, which knows how ints are laid out. */
static BX_NOINLINE PyObject *new_by_constructor(PyTypeObject *type, int64_t value)
{
    PyObject *number = PyLong_FromLongLong(value);
    PyObject *args = number == NULL ? NULL : PyTuple_Pack(1, number);
    PyObject *self = args == NULL ? NULL : PyLong_Type.tp_new(type, args, NULL);

    Py_XDECREF(number);
    Py_XDECREF(args);
    return self;
}

PyObject *bx_int64_new(bx_state *st, int64_t value)
{
    if (BX_UNLIKELY(!st->int_layout)) return new_by_constructor(st->Int64, value);
    return bx_long_new_subclass(st->Int64, value);
}

int bx_int64_check_layout(bx_state *st)
{
    static const int64_t samples[] = {0,         1,         -1,        INT32_MAX, INT32_MIN,
                                      INT64_MAX, INT64_MIN, 1LL << 30, 1LL << 45, -(1LL << 60)};

    st->int_layout = true;
    for (size_t i = 0; st->int_layout && i < sizeof samples / sizeof samples[0]; i++) {
        PyObject *made = bx_long_new_subclass(st->Int64, samples[i]);
        PyObject *right = PyLong_FromLongLong(samples[i]);
        int same = made == NULL || right == NULL ? -1 : PyObject_RichCompareBool(made, right, Py_EQ);

        if (same > 0) same = PyLong_AsLongLong(made) == samples[i];
        Py_XDECREF(made);
        Py_XDECREF(right);
        if (same < 0) return -1;
        st->int_layout = same > 0;
    }
    return 0;
}

static PyObject *int64_getstate(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(ignored))
{
    return PyDict_New();
}

static PyObject *int64_setstate(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(state))
{
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"__getstate__", int64_getstate, METH_NOARGS, NULL},
    {"__setstate__", int64_setstate, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static const char doc[] =
    "An int that is always stored as a BSON int64, however small it is.\n\n"
    "Decoded int64 values have this type, so they keep their type when written back.";

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)doc},
    {Py_tp_dealloc, bx_plain_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "bsonx.int64.Int64",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};

PyTypeObject *bx_int64_type(PyObject *module)
{
    return bx_create_type(module, &spec, &PyLong_Type, BX_MARK_INT64);
}
