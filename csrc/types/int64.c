/* Int64: an int that is always stored as a BSON int64. A type of its own, because instances of a
 * class statement's types are garbage-collected objects: larger and slower to make and free. */
#include "core/pylong.h"
#include "types/types.h"

PyObject *bx_int64_new(bx_state *st, int64_t value)
{
    return bx_long_new_subclass(st->Int64, value);
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
