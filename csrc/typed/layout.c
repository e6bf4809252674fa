/* How instances lie in memory, as far as they are made without their constructor. */
#include "typed/plan.h"

bool bx_has_plain_alloc(PyTypeObject *cls)
{
#ifdef Py_TPFLAGS_INLINE_VALUES
    /* CPython 3.13.0 leaves the attributes behind such an instance as they are. */
    if (PyType_HasFeature(cls, Py_TPFLAGS_INLINE_VALUES)) return false;
#endif
    return cls->tp_alloc == PyType_GenericAlloc && PyType_IS_GC(cls) && cls->tp_itemsize == 0;
}

PyObject *bx_new_instance(PyTypeObject *cls, bool plain)
{
    PyObject *instance;

    if (!plain) return cls->tp_alloc(cls, 0);
    instance = PyObject_GC_New(PyObject, cls);
    if (instance == NULL) return NULL;
    memset((char *)instance + sizeof(PyObject), 0, (size_t)cls->tp_basicsize - sizeof(PyObject));
    return instance;
}

/* ---- structs of msgspec ---- */

/* Give a new instance the values of another one: 1 done, 0 a field has no slot, -1 error. */
static int copy_fields(PyObject *instance, PyObject *source, PyObject *names)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i), **place;
        Py_ssize_t slot = bx_slot_offset(Py_TYPE(source), name);

        if (slot == 0) return 0;
        place = (PyObject **)((char *)instance + slot);
        if (*place != NULL) return 0; /* two fields in one place */
        *place = PyObject_GetAttr(source, name);
        if (*place == NULL) return -1;
    }
    return 1;
}

static bool holds_containers(PyObject *instance, PyObject *names)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        Py_ssize_t slot = bx_slot_offset(Py_TYPE(instance), PyTuple_GET_ITEM(names, i));

        if (!bx_is_flat(*(PyObject **)((char *)instance + slot))) return true;
    }
    return false;
}

/* Whether filling a new instance in place gives what the constructor has made of the same values,
 * byte for byte: 1 yes, 0 no, -1 with an exception. */
static int is_reproduced(PyObject *expected)
{
    PyTypeObject *cls = Py_TYPE(expected);
    PyObject *names = PyObject_GetAttrString((PyObject *)cls, "__struct_fields__"), *made = NULL;
    size_t size = (size_t)cls->tp_basicsize - sizeof(PyObject);
    bool plain = bx_has_plain_alloc(cls);
    int same = -1;

    if (names != NULL && cls->tp_itemsize == 0 && PyTuple_CheckExact(names)) {
        made = bx_new_instance(cls, plain);
    } else if (names != NULL) {
        same = 0;
    }
    if (made != NULL) same = copy_fields(made, expected, names);
    if (same > 0) {
        same = memcmp((char *)made + sizeof(PyObject), (char *)expected + sizeof(PyObject),
                      size) == 0;
        if (plain && holds_containers(made, names)) PyObject_GC_Track(made);
        if (plain) same &= PyObject_GC_IsTracked(made) == PyObject_GC_IsTracked(expected);
    }
    Py_XDECREF(made);
    Py_XDECREF(names);
    return same;
}

/* The same for all the structs that struct_probes makes. */
static int are_reproduced(void)
{
    PyObject *make = bx_import_object("bsonx._typed.direct", "struct_probes");
    PyObject *probes = make == NULL ? NULL : PyObject_CallNoArgs(make);
    PyObject *list = probes == NULL ? NULL : PySequence_List(probes);
    int same = list == NULL ? -1 : 1;

    for (Py_ssize_t i = 0; same > 0 && i < PyList_GET_SIZE(list); i++) {
        same = is_reproduced(PyList_GET_ITEM(list, i));
    }
    Py_XDECREF(list);
    Py_XDECREF(probes);
    Py_XDECREF(make);
    return same;
}

int bx_structs_are_known(bx_typed *typed)
{
    if (typed->structs == BX_STRUCTS_NOT_TRIED) {
        int same = are_reproduced();

        if (same < 0) {
            if (!PyErr_ExceptionMatches(PyExc_Exception) ||
                PyErr_ExceptionMatches(PyExc_MemoryError)) {
                return -1;
            }
            PyErr_Clear(); /* msgspec has changed so that there are no such structs */
        }
        typed->structs = same > 0 ? BX_STRUCTS_KNOWN : BX_STRUCTS_CHANGED;
    }
    return typed->structs == BX_STRUCTS_KNOWN;
}
