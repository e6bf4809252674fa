/* Attributes of instances, read from where CPython keeps them: a slot, values beside the instance
 * that need no dict, or its dict. Reading makes no dict and runs no Python code.
 *
 * Where the values are is private to CPython: it is known for the versions below, and tried at the
 * first use (bx_attributes_known). Otherwise, and without the GIL, PyObject_GetAttr is left. */
#ifndef BSONX_TYPED_ATTRIBUTES_H
#define BSONX_TYPED_ATTRIBUTES_H

#include "core/dict_layout.h"

/* Without the GIL other threads may replace the values that instances keep. */
#define BX_ATTRIBUTES_IN_PLACE (BX_DICT_LAYOUT && !BX_FREE_THREADED)

/* The attributes of one instance, borrowed: to be opened again after any Python code. */
typedef struct {
    const bx_dict_entry *entries;
    const char *values; /* those of the entries, `stride` bytes from one to the next */
    Py_ssize_t stride;
    Py_ssize_t count;
    Py_ssize_t next; /* where the attribute asked for next should be */
    PyObject *dict;  /* or NULL */
} bx_attributes;

/* Whether the layout is as expected: 1, 0, or -1 with an exception. */
int bx_attributes_known(void);

/* Whether reading an attribute of the class's instances looks at their dict first: there is no
 * __getattribute__ of its own, and no data descriptor of this name. */
bool bx_attribute_in_dict(PyTypeObject *cls, PyObject *name);

/* Whether instances of the class are read in the way of `object`. */
bool bx_attributes_generic(PyTypeObject *cls);

#if BX_ATTRIBUTES_IN_PLACE

#if PY_VERSION_HEX >= 0x030D0000
typedef struct {
    uint8_t capacity, size, embedded, valid;
    PyObject *values[1];
} bx_dict_values;
#else
typedef struct {
    PyObject *values[1];
} bx_dict_values;
#endif

/* Find the values beside an instance of a class with a managed dict, else NULL and that dict. */
BX_INLINE bx_dict_values *bx_own_values(PyObject *instance, PyTypeObject *cls, PyObject **dict)
{
#if PY_VERSION_HEX >= 0x030D0000
    bx_dict_values *own = (bx_dict_values *)((char *)instance + cls->tp_basicsize);

    *dict = ((PyObject **)instance)[-3];
    if (*dict == NULL && (cls->tp_flags & Py_TPFLAGS_INLINE_VALUES) && own->valid) return own;
    return NULL;
#elif PY_VERSION_HEX >= 0x030C0000
    uintptr_t either = ((uintptr_t *)instance)[-3];

    (void)cls;
    *dict = either & 1 ? NULL : (PyObject *)either;
    return either & 1 ? (bx_dict_values *)(either + 1) : NULL;
#else
    bx_dict_values *own = ((bx_dict_values **)instance)[-4];

    (void)cls;
    *dict = own != NULL ? NULL : ((PyObject **)instance)[-3];
    return own;
#endif
}

/* Take keys with their values; keys of another kind than expected count as none. */
BX_INLINE void bx_attributes_set(bx_attributes *a, const void *dict_keys, bx_dict_values *own)
{
    const bx_dict_keys *keys = dict_keys;

    a->count = keys->kind == (own != NULL ? BX_SHARED_KEYS : BX_STR_KEYS) ? keys->count : 0;
    if (a->count == 0) return; /* those of an empty dict are shorter than they say */
    a->entries = bx_dict_entries(keys);
    if (own != NULL) {
        a->values = (const char *)own->values;
        a->stride = sizeof(PyObject *);
    } else {
        a->values = (const char *)&a->entries->value;
        a->stride = sizeof(bx_dict_entry);
    }
}

BX_INLINE void bx_attributes_open(bx_attributes *a, PyObject *instance)
{
    PyTypeObject *cls = Py_TYPE(instance);
    PyObject *dict = NULL;

    a->count = 0;
    if (BX_LIKELY(cls->tp_flags & Py_TPFLAGS_MANAGED_DICT)) {
        bx_dict_values *own = bx_own_values(instance, cls, &dict);

        if (own != NULL) {
            bx_attributes_set(a, ((PyHeapTypeObject *)cls)->ht_cached_keys, own);
        }
    } else if (cls->tp_dictoffset > 0) {
        dict = *(PyObject **)((char *)instance + cls->tp_dictoffset);
    }
    a->dict = dict;
    if (dict != NULL) {
        PyDictObject *known = (PyDictObject *)dict;

        bx_attributes_set(a, known->ma_keys, (bx_dict_values *)known->ma_values);
    }
}

/* What is stored under a name that is not at the expected place: borrowed, or NULL without an
 * exception. */
BX_NOINLINE PyObject *bx_attribute_slow(bx_attributes *a, PyObject *name);

/* What is stored under an interned name: borrowed, or NULL without an exception. */
BX_INLINE PyObject *bx_attribute(bx_attributes *a, PyObject *name)
{
    Py_ssize_t at = a->next;

    if (BX_UNLIKELY(at >= a->count || a->entries[at].key != name)) {
        return bx_attribute_slow(a, name);
    }
    a->next = at + 1;
    return *(PyObject *const *)(a->values + at * a->stride);
}

#else

BX_INLINE void bx_attributes_open(bx_attributes *a, PyObject *instance)
{
    a->dict = NULL;
    (void)instance;
}

BX_INLINE PyObject *bx_attribute(bx_attributes *a, PyObject *name)
{
    (void)a, (void)name;
    return NULL;
}

#endif

#endif
