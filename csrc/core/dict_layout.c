/* The trial of CPython's layout of dicts. */
#include "core/dict_layout.h"

#if BX_DICT_LAYOUT

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

int bx_dict_layout_known(void)
{
    static const int counts[] = {0, 1, 3, 5, 6, 40, 300};
    int known = 1;

    for (int i = 0; known == 1 && i < 14; i++) {
        PyObject *dict = trial_dict(counts[i / 2], i % 2);

        if (dict == NULL) return -1;
        known = same_ways(dict);
        Py_DECREF(dict);
    }
    return known;
}

#else

int bx_dict_layout_known(void) { return 0; }

#endif
