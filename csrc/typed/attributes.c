/* Attributes of instances out of order, and the trial of CPython's layout. */
#include "typed/attributes.h"

bool bx_attributes_generic(PyTypeObject *cls)
{
    PyObject *name, *own, *base;

    if (cls->tp_getattro == PyObject_GenericGetAttr) return true;
    /* A class with __getattr__, which is asked last, has another function there. */
    name = PyUnicode_InternFromString("__getattribute__");
    if (name == NULL) {
        PyErr_Clear();
        return false;
    }
    own = _PyType_Lookup(cls, name);
    base = _PyType_Lookup(&PyBaseObject_Type, name);
    Py_DECREF(name);
    return own != NULL && own == base;
}

bool bx_attribute_in_dict(PyTypeObject *cls, PyObject *name)
{
    PyObject *found = _PyType_Lookup(cls, name);

    return found == NULL || Py_TYPE(found)->tp_descr_set == NULL;
}

#if BX_ATTRIBUTES_IN_PLACE

#define LOOK_AHEAD 3 /* attributes that may lie between two that are asked for */

/* The same among the entries from `from` to `to`. */
static PyObject *look_among(bx_attributes *a, PyObject *name, Py_ssize_t from, Py_ssize_t to)
{
    for (Py_ssize_t i = from; i < to && i < a->count; i++) {
        if (a->entries[i].key == name) {
            a->next = i + 1;
            return *(PyObject *const *)(a->values + i * a->stride);
        }
    }
    return NULL;
}

PyObject *bx_attribute_slow(bx_attributes *a, PyObject *name)
{
    PyObject *value;

    if (a->dict == NULL) return look_among(a, name, 0, a->count); /* few: they are shared */
    value = look_among(a, name, a->next + 1, a->next + 1 + LOOK_AHEAD);
    if (value != NULL) return value;
    value = PyDict_GetItemWithError(a->dict, name);
    if (value == NULL) PyErr_Clear();
    return value;
}

/* ---- the trial ---- */

/* Whether exactly the named attributes are found, with the numbers 0, 1, ... as values. */
static bool finds(PyObject *instance, PyObject *const *names, int count, PyObject *absent)
{
    bx_attributes attributes;

    bx_attributes_open(&attributes, instance);
    attributes.next = 0;
    for (int i = 0; i < count; i++) {
        PyObject *value = bx_attribute(&attributes, names[i]);

        if (value == NULL || !PyLong_CheckExact(value) || PyLong_AsLong(value) != i) return false;
    }
    return bx_attribute(&attributes, absent) == NULL;
}

/* Try an instance whose dict is not its own. */
static int try_other_dict(PyObject *instance, PyObject *const *names, PyObject *absent)
{
    PyObject *dict = PyDict_New();
    int status = dict == NULL ? -1 : 0;

    for (int i = 0; i < 2 && status == 0; i++) {
        PyObject *number = PyLong_FromLong(i);

        status = number == NULL ? -1 : PyDict_SetItem(dict, names[i], number);
        Py_XDECREF(number);
    }
    if (status == 0) status = PyObject_GenericSetDict(instance, dict, NULL);
    Py_XDECREF(dict);
    return status < 0 ? -1 : finds(instance, names, 2, absent);
}

/* Try an instance without a dict, and with one. */
static int try_instance(PyObject *instance, PyObject *const *names, PyObject *absent)
{
    PyObject *number, *dict;
    int status;

    for (int i = 0; i < 3; i++) {
        number = PyLong_FromLong(i);
        status = number == NULL ? -1 : PyObject_SetAttr(instance, names[i], number);
        Py_XDECREF(number);
        if (status < 0) return -1;
    }
    if (!finds(instance, names, 3, absent)) return 0;
    dict = PyObject_GenericGetDict(instance, NULL);
    if (dict == NULL) return -1;
    Py_DECREF(dict);
    if (!finds(instance, names, 3, absent)) return 0;
    if (PyObject_SetAttr(instance, names[2], NULL) < 0) return -1;
    if (!finds(instance, names, 2, names[2])) return 0;
    return try_other_dict(instance, names, absent);
}

int bx_attributes_known(void)
{
    const char *const texts[] = {"one", "two", "three", "none"};
    PyObject *names[4] = {NULL}, *cls, *instance = NULL;
    int status = -1;

    cls = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){}", "Trial");
    if (cls != NULL) instance = PyObject_CallNoArgs(cls);
    if (instance != NULL) {
        status = 0;
        for (int i = 0; i < 4 && status == 0; i++) {
            names[i] = PyUnicode_InternFromString(texts[i]);
            if (names[i] == NULL) status = -1;
        }
        if (status == 0) status = try_instance(instance, names, names[3]);
    }
    for (int i = 0; i < 4; i++) Py_XDECREF(names[i]);
    Py_XDECREF(instance);
    Py_XDECREF(cls);
    return status;
}

#else

int bx_attributes_known(void) { return 0; }

#endif
