/* Attributes of instances, read from where CPython keeps them: a slot, values beside the instance
 * that need no dict, or its dict. Reading makes no dict and runs no Python code.
 *
 * Where the values are is private to CPython: it is known for the versions below, and tried at the
 * first use (bx_attributes_known). Otherwise, and without the GIL, PyObject_GetAttr is left. */
#ifndef BSONX_TYPED_ATTRIBUTES_H
#define BSONX_TYPED_ATTRIBUTES_H

#include "core/common.h"

#if PY_VERSION_HEX < 0x03100000 && !BX_FREE_THREADED && !defined(PYPY_VERSION)
#define BX_ATTRIBUTES_LAYOUT 1
#else
#define BX_ATTRIBUTES_LAYOUT 0
#endif

/* An entry of the keys that the instances of a class share; the values are beside each instance. */
typedef struct {
    PyObject *key;
    PyObject *unused;
} bx_shared_key;

/* The attributes of one instance, borrowed: to be opened again after any Python code. */
typedef struct {
    const bx_shared_key *keys;
    PyObject **values; /* by the position of `keys`; NULL: in `dict` */
    Py_ssize_t count;  /* of `keys` */
    Py_ssize_t next;   /* where the attribute asked for next should be */
    PyObject *dict;    /* or NULL */
} bx_attributes;

/* Whether the layout is as expected: 1, 0, or -1 with an exception. */
int bx_attributes_known(void);

/* Whether reading an attribute of the class's instances looks at their dict first: there is no
 * __getattribute__ of its own, and no data descriptor of this name. */
bool bx_attribute_in_dict(PyTypeObject *cls, PyObject *name);

/* Whether instances of the class are read in the way of `object`. */
bool bx_attributes_generic(PyTypeObject *cls);

#if BX_ATTRIBUTES_LAYOUT

typedef struct {
    Py_ssize_t refcount;
    uint8_t log2_size, log2_index_bytes, kind;
    uint32_t version;
    Py_ssize_t usable, count;
    char indices[];
} bx_dict_keys;

#define BX_SHARED_KEYS 2 /* the kind */

#if PY_VERSION_HEX >= 0x030D0000
typedef struct {
    uint8_t capacity, size, embedded, valid;
    PyObject *values[1];
} bx_inline_values;
#endif

/* Find the values beside an instance of a class with a managed dict, or that dict. */
BX_INLINE void bx_attributes_find(bx_attributes *a, PyObject *instance, PyTypeObject *cls)
{
#if PY_VERSION_HEX >= 0x030D0000
    bx_inline_values *own = (bx_inline_values *)((char *)instance + cls->tp_basicsize);

    a->dict = ((PyObject **)instance)[-3];
    if (a->dict == NULL && (cls->tp_flags & Py_TPFLAGS_INLINE_VALUES) && own->valid) {
        a->values = own->values;
    }
#elif PY_VERSION_HEX >= 0x030C0000
    uintptr_t either = ((uintptr_t *)instance)[-3];

    if (either & 1) {
        a->values = (PyObject **)(either + 1);
    } else {
        a->dict = (PyObject *)either;
    }
    (void)cls;
#else
    a->values = ((PyObject ***)instance)[-4];
    if (a->values == NULL) a->dict = ((PyObject **)instance)[-3];
    (void)cls;
#endif
}

BX_INLINE void bx_attributes_open(bx_attributes *a, PyObject *instance)
{
    PyTypeObject *cls = Py_TYPE(instance);

    a->values = NULL;
    a->dict = NULL;
    if (BX_LIKELY(cls->tp_flags & Py_TPFLAGS_MANAGED_DICT)) {
        bx_attributes_find(a, instance, cls);
        if (a->values != NULL) {
            const bx_dict_keys *keys =
                (const bx_dict_keys *)((PyHeapTypeObject *)cls)->ht_cached_keys;

            a->count = keys->kind == BX_SHARED_KEYS ? keys->count : 0;
            a->keys = (const bx_shared_key *)(keys->indices +
                                              ((size_t)1 << keys->log2_index_bytes));
        }
    } else if (cls->tp_dictoffset > 0) {
        a->dict = *(PyObject **)((char *)instance + cls->tp_dictoffset);
    }
}

/* What is stored under a name that is not at the expected place: borrowed, or NULL without an
 * exception. */
BX_NOINLINE PyObject *bx_attribute_slow(bx_attributes *a, PyObject *name);

/* What is stored under an interned name: borrowed, or NULL without an exception. */
BX_INLINE PyObject *bx_attribute(bx_attributes *a, PyObject *name)
{
    if (a->values != NULL) {
        if (BX_LIKELY(a->next < a->count && a->keys[a->next].key == name)) {
            return a->values[a->next++];
        }
    } else if (a->dict != NULL) {
        Py_ssize_t next = a->next;
        PyObject *key, *value;

        if (BX_LIKELY(PyDict_Next(a->dict, &next, &key, &value) && key == name)) {
            a->next = next;
            return value;
        }
    }
    return bx_attribute_slow(a, name);
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
