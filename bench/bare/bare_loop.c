/* The floor under decoding: make(value) makes the objects of a decoded document once more, from the
 * existing ones, with nothing to parse and nothing to check.
 *
 * Keys and strings of up to 15 bytes are shared, as the decoder shares those that come again; dicts
 * are made as the decoder makes them. Values of other types than dict, list, str, int and float are
 * shared as well, so that the floor of documents with them is lower than it can be. */
#include "core/common.h"

enum { FEW = 512, SHARED = 15 };

static PyObject *make(PyObject *value);

static PyObject *make_pairs(PyObject *dict, PyObject **pairs)
{
    PyObject *key, *value, *made = NULL;
    Py_ssize_t position = 0, n = 0;

    while (PyDict_Next(dict, &position, &key, &value)) {
        pairs[2 * n] = Py_NewRef(key);
        pairs[2 * n + 1] = make(value);
        if (pairs[2 * n++ + 1] == NULL) goto done;
    }
    made = bx_dict_of_pairs(pairs, n);
done:
    while (n-- > 0) {
        Py_DECREF(pairs[2 * n]);
        Py_XDECREF(pairs[2 * n + 1]);
    }
    return made;
}

static PyObject *make_dict(PyObject *dict)
{
    Py_ssize_t n = PyDict_GET_SIZE(dict);
    PyObject *few[2 * FEW], **many, *made;

    if (n <= FEW) return make_pairs(dict, few);
    many = PyMem_Malloc((size_t)n * 2 * sizeof *many);
    if (many == NULL) return PyErr_NoMemory();
    made = make_pairs(dict, many);
    PyMem_Free(many);
    return made;
}

static PyObject *make_list(PyObject *list)
{
    Py_ssize_t n = PyList_GET_SIZE(list);
    PyObject *made = PyList_New(n);

    for (Py_ssize_t i = 0; made != NULL && i < n; i++) {
        PyObject *item = make(PyList_GET_ITEM(list, i));

        if (item == NULL) {
            Py_CLEAR(made);
        } else {
            PyList_SET_ITEM(made, i, item);
        }
    }
    return made;
}

static PyObject *make_str(PyObject *text)
{
    Py_ssize_t n = PyUnicode_GET_LENGTH(text);
    PyObject *made;

    if (n <= SHARED || !PyUnicode_IS_COMPACT_ASCII(text)) return Py_NewRef(text);
    made = PyUnicode_New(n, 127);
    if (made != NULL) memcpy(PyUnicode_1BYTE_DATA(made), PyUnicode_1BYTE_DATA(text), (size_t)n);
    return made;
}

static PyObject *make(PyObject *value)
{
    if (PyUnicode_CheckExact(value)) return make_str(value);
    if (PyLong_CheckExact(value)) {
        long long number = PyLong_AsLongLong(value);

        return number == -1 && PyErr_Occurred() ? NULL : PyLong_FromLongLong(number);
    }
    if (PyDict_CheckExact(value)) return make_dict(value);
    if (PyList_CheckExact(value)) return make_list(value);
    if (PyFloat_CheckExact(value)) return PyFloat_FromDouble(PyFloat_AS_DOUBLE(value));
    if (PyLong_Check(value) && !PyBool_Check(value)) { /* Int64: no less than an int */
        return PyLong_FromLongLong(PyLong_AsLongLong(value));
    }
    return Py_NewRef(value);
}

static PyObject *bare_make(PyObject *Py_UNUSED(module), PyObject *value)
{
    return make(value);
}

static PyMethodDef methods[] = {
    {"make", bare_make, METH_O, "Make the objects of a decoded document once more."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "bare_loop",
                                        .m_methods = methods};

PyMODINIT_FUNC PyInit_bare_loop(void)
{
    return PyModule_Create(&definition);
}
