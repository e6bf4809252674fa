/* The trial of CPython's layout of dicts, and dicts that are made by it. */
#include "core/dict_layout.h"

#if BX_DICT_LAYOUT

enum { BX_TRIAL_MOST = 300 }; /* keys of a trial */

/* Whether both ways through a dict see the same pairs. */
static bool same_ways(PyObject *dict)
{
    Py_ssize_t position = 0, place = 0;
    PyObject *key = NULL, *value = NULL, *other_key = NULL, *other_value = NULL;

    const bx_dict_keys *keys = (const bx_dict_keys *)(void *)((PyDictObject *)dict)->ma_keys;

    /* The trials delete one entry at most. */
    if (keys->count < PyDict_GET_SIZE(dict) || keys->count > PyDict_GET_SIZE(dict) + 1) return false;
    while (PyDict_Next(dict, &position, &key, &value)) {
        if (!bx_dict_next(dict, true, &place, &other_key, &other_value)) return false;
        if (key != other_key || value != other_value || position != place) return false;
    }
    return !bx_dict_next(dict, true, &place, &other_key, &other_value);
}

/* A dict of `count` strs, one of them deleted again; with another key as well if `mixed`. */
static PyObject *trial_dict(int count, bool mixed)
{
    PyObject *dict = PyDict_New();

    for (int i = 0; dict != NULL && i < count; i++) {
        PyObject *key = PyUnicode_FromFormat("key %d", i);

        if (key == NULL || PyDict_SetItem(dict, key, key) < 0) Py_CLEAR(dict);
        Py_XDECREF(key);
    }
    if (dict != NULL && count > 1 && PyDict_DelItemString(dict, "key 1") < 0) Py_CLEAR(dict);
    if (dict != NULL && mixed && PyDict_SetItem(dict, Py_None, Py_None) < 0) Py_CLEAR(dict);
    return dict;
}

/* ---- dicts that are made from a template ---- */

static bool is_plain(PyObject *dict, Py_ssize_t n)
{
    const bx_dict_keys *keys = (const bx_dict_keys *)(void *)((PyDictObject *)dict)->ma_keys;

    return PyDict_GET_SIZE(dict) == n && ((PyDictObject *)dict)->ma_values == NULL &&
           keys->kind == BX_STR_KEYS && keys->count == n && keys->refcount == 1;
}

PyObject *bx_dict_template(PyObject *const *pairs, Py_ssize_t n)
{
    PyObject *dict = PyDict_New();

    for (Py_ssize_t i = 0; dict != NULL && i < n; i++) {
        if (PyDict_SetItem(dict, pairs[2 * i], Py_None) < 0) Py_CLEAR(dict);
    }
    if (dict == NULL) return NULL;
    if (!is_plain(dict, n)) { /* a key stands there twice */
        Py_DECREF(dict);
        return NULL;
    }
    /* Nobody else is to find it, and there is nothing in it to collect. */
    if (PyObject_GC_IsTracked(dict)) PyObject_GC_UnTrack(dict);
    return dict;
}

/* A dict of `n` strs with values that the collector sees and such that it does not see. */
static PyObject *trial_values(Py_ssize_t n)
{
    PyObject *dict = PyDict_New();

    for (Py_ssize_t i = 0; dict != NULL && i < n; i++) {
        PyObject *key = PyUnicode_FromFormat("key %zd", i);
        PyObject *value = i % 2 ? PyList_New(0) : PyFloat_FromDouble((double)i);

        if (key == NULL || value == NULL || PyDict_SetItem(dict, key, value) < 0) Py_CLEAR(dict);
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    return dict;
}

/* Whether a copy of the template is a dict of its own with the keys of the pairs: 1, 0, or -1 with
 * an exception. */
static int copies_alone(PyObject *template, PyObject *const *pairs, Py_ssize_t n)
{
    PyObject *dict = PyDict_Copy(template);
    int alone;

    if (dict == NULL) return -1;
    alone = is_plain(template, n) && is_plain(dict, n) && bx_dict_has_keys(dict, pairs, n) &&
            ((PyDictObject *)dict)->ma_keys != ((PyDictObject *)template)->ma_keys;
    Py_DECREF(dict);
    return alone;
}

/* Whether a dict of these pairs, made from a template, equals `expected` and stays so: likewise. */
static int fills_equal(PyObject *template, PyObject *const *pairs, PyObject *expected)
{
    Py_ssize_t n = PyDict_GET_SIZE(expected);
    PyObject *dict;
    int equal;

    for (Py_ssize_t i = 0; i < 2 * n; i++) Py_INCREF(pairs[i]);
    dict = bx_dict_filled(template, pairs, n);
    if (dict == NULL) {
        for (Py_ssize_t i = 0; i < 2 * n; i++) Py_DECREF(pairs[i]);
        return -1;
    }
    equal = PyObject_RichCompareBool(dict, expected, Py_EQ);
    if (equal > 0) equal = PyObject_GC_IsTracked(dict) == PyObject_GC_IsTracked(expected);
    if (equal > 0 && PyDict_DelItem(dict, pairs[0]) < 0) equal = -1;
    if (equal > 0 && PyDict_SetItem(dict, pairs[0], pairs[1]) < 0) equal = -1;
    if (equal > 0) equal = PyObject_RichCompareBool(dict, expected, Py_EQ);
    Py_DECREF(dict);
    return equal;
}

static int same_filled(Py_ssize_t n)
{
    PyObject *pairs[2 * BX_TRIAL_MOST], *template, *expected = trial_values(n);
    Py_ssize_t position = 0, i = 0;
    int same;

    if (expected == NULL) return -1;
    while (i < n && PyDict_Next(expected, &position, &pairs[2 * i], &pairs[2 * i + 1])) i++;
    template = i == n ? bx_dict_template(pairs, n) : NULL;
    if (template == NULL) {
        same = PyErr_Occurred() ? -1 : 0;
    } else {
        same = copies_alone(template, pairs, n);
        if (same > 0) same = fills_equal(template, pairs, expected);
        Py_DECREF(template);
    }
    Py_DECREF(expected);
    return same;
}

int bx_dict_layout_known(void)
{
    static const int counts[] = {0, 1, 3, 5, 6, 40, BX_TRIAL_MOST};
    int known = 1;

    for (int i = 0; known == 1 && i < 14; i++) {
        PyObject *dict = trial_dict(counts[i / 2], i % 2);

        if (dict == NULL) return -1;
        known = same_ways(dict);
        Py_DECREF(dict);
    }
    for (int i = 1; known == 1 && i < 7; i++) known = same_filled(counts[i]);
    return known;
}

#else

int bx_dict_layout_known(void) { return 0; }

#endif
