/* Going through a dict, and filling one, without a call for each pair.
 *
 * Where CPython keeps the pairs is private to it: it is known for the versions below, and tried
 * when the module is made (bx_dict_layout_known). Otherwise the public functions are left. Without
 * the GIL going through needs the dict's critical section; what is filled is one's own. */
#ifndef BSONX_DICT_LAYOUT_H
#define BSONX_DICT_LAYOUT_H

#include "core/atomics.h"

#if PY_VERSION_HEX < 0x03100000 && !defined(PYPY_VERSION)
#define BX_DICT_LAYOUT 1
#else
#define BX_DICT_LAYOUT 0
#endif

/* An entry of a dict's keys, all of them str. Where the instances of a class share the keys, the
 * values are in an array that each instance has. */
typedef struct {
    PyObject *key, *value;
} bx_dict_entry;

#if BX_DICT_LAYOUT

typedef struct {
    Py_ssize_t refcount;
    uint8_t log2_size, log2_index_bytes, kind;
    uint8_t mutex; /* without the GIL, else padding */
    uint32_t version;
    Py_ssize_t usable, count;
    char indices[];
} bx_dict_keys;

/* Kinds of keys: all str, or shared as well. */
enum { BX_STR_KEYS = 1, BX_SHARED_KEYS = 2 };

BX_INLINE const bx_dict_entry *bx_dict_entries(const bx_dict_keys *keys)
{
    return (const bx_dict_entry *)(keys->indices + ((size_t)1 << keys->log2_index_bytes));
}

#endif

/* Whether the layout is as expected: 1, 0, or -1 with an exception. */
int bx_dict_layout_known(void);

/* PyDict_Next, and in place if the layout is `known`. The dict may change between two steps. */
BX_INLINE bool bx_dict_next(PyObject *dict, bool known, Py_ssize_t *position, PyObject **key,
                            PyObject **value)
{
#if BX_DICT_LAYOUT
    const bx_dict_keys *keys = (const bx_dict_keys *)(void *)((PyDictObject *)dict)->ma_keys;

    if (BX_LIKELY(known && keys->kind == BX_STR_KEYS &&
                  ((PyDictObject *)dict)->ma_values == NULL)) {
        while (*position < keys->count) {
            const bx_dict_entry *entry = &bx_dict_entries(keys)[(*position)++];

            if (BX_LIKELY(entry->value != NULL)) { /* NULL: deleted */
                *key = entry->key;
                *value = entry->value;
                return true;
            }
        }
        return false;
    }
#else
    (void)known;
#endif
    return PyDict_Next(dict, position, key, value);
}

#if BX_DICT_LAYOUT

/* ---- dicts that are made from a template ---- */

/* A dict with the keys of the `n` pairs, all of them None, for the functions below: new reference.
 * NULL, perhaps with an exception, if the keys are not as they must be for that (distinct strs). */
PyObject *bx_dict_template(PyObject *const *pairs, Py_ssize_t n);

/* Whether the template has exactly the keys of the pairs, in this order: the very same objects. */
BX_INLINE bool bx_dict_has_keys(PyObject *template, PyObject *const *pairs, Py_ssize_t n)
{
    const bx_dict_keys *keys =
        (const bx_dict_keys *)(void *)((PyDictObject *)template)->ma_keys;
    const bx_dict_entry *entries = bx_dict_entries(keys);

    if (keys->count != n) return false;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (entries[i].key != pairs[2 * i]) return false;
    }
    return true;
}

/* A copy of the template with the values of the pairs, which have its keys. It takes their
 * references; NULL with an exception, and then it does not. */
BX_INLINE PyObject *bx_dict_filled(PyObject *template, PyObject *const *pairs, Py_ssize_t n)
{
    bx_dict_entry *entries;
    PyObject *dict;
    unsigned long flags = 0;

#if PY_VERSION_HEX < 0x030C0000
    /* An allocation may run the collector, and so anything: what is done to the caller's table. */
    Py_INCREF(template);
    dict = PyDict_Copy(template);
    Py_DECREF(template);
#else
    dict = PyDict_Copy(template);
#endif
    if (BX_UNLIKELY(dict == NULL)) return NULL;
    entries = (bx_dict_entry *)bx_dict_entries(
        (const bx_dict_keys *)(void *)((PyDictObject *)dict)->ma_keys);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *value = pairs[2 * i + 1];

        bx_store_object(&entries[i].value, value); /* the collector may show it to others */
#if PY_VERSION_HEX < 0x030C0000
        Py_DECREF(Py_None);
#endif
#if PY_VERSION_HEX < 0x030E0000
        flags |= Py_TYPE(value)->tp_flags;
#endif
        Py_DECREF(pairs[2 * i]); /* the copy has its own */
    }
    /* Up to 3.13 the collector need not see a dict of what it does not see. */
    if ((flags & Py_TPFLAGS_HAVE_GC) && !PyObject_GC_IsTracked(dict)) PyObject_GC_Track(dict);
    return dict;
}

#endif

#endif
