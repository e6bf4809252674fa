/* What threads without the GIL do at once: with the GIL these are plain reads and writes. */
#ifndef BSONX_ATOMICS_H
#define BSONX_ATOMICS_H

#include "core/common.h"

#if BX_FREE_THREADED

BX_INLINE int bx_load_int(const int *at) { return _Py_atomic_load_int_acquire(at); }
BX_INLINE void bx_store_int(int *at, int value) { _Py_atomic_store_int_release(at, value); }
BX_INLINE int bx_exchange_int(int *at, int value) { return _Py_atomic_exchange_int(at, value); }

/* Where any value that was ever stored will do. */
BX_INLINE int bx_glance_int(const int *at) { return _Py_atomic_load_int_relaxed(at); }
BX_INLINE void bx_note_int(int *at, int value) { _Py_atomic_store_int_relaxed(at, value); }
BX_INLINE unsigned bx_glance_uint(const unsigned *at) { return _Py_atomic_load_uint_relaxed(at); }

/* The value before. */
BX_INLINE uint32_t bx_add_u32(uint32_t *at, uint32_t value)
{
    return _Py_atomic_add_uint32(at, value);
}

BX_INLINE void bx_store_object(PyObject **at, PyObject *value)
{
    _Py_atomic_store_ptr_release(at, value);
}

BX_INLINE void *bx_load_pointer(void *at) { return _Py_atomic_load_ptr_acquire(at); }

/* Put `value` where NULL was: false if something else is there already. */
BX_INLINE bool bx_publish_pointer(void *at, void *value)
{
    void *expected = NULL;

    return _Py_atomic_compare_exchange_ptr(at, &expected, value) != 0;
}

/* Replace *before, which becomes what is there instead if that has changed. */
BX_INLINE bool bx_replace_pointer(void *at, void **before, void *value)
{
    return _Py_atomic_compare_exchange_ptr(at, before, value) != 0;
}

#else

BX_INLINE int bx_load_int(const int *at) { return *at; }
BX_INLINE void bx_store_int(int *at, int value) { *at = value; }
BX_INLINE int bx_glance_int(const int *at) { return *at; }
BX_INLINE void bx_note_int(int *at, int value) { *at = value; }
BX_INLINE unsigned bx_glance_uint(const unsigned *at) { return *at; }

BX_INLINE void bx_store_object(PyObject **at, PyObject *value) { *at = value; }

BX_INLINE int bx_exchange_int(int *at, int value)
{
    int before = *at;

    *at = value;
    return before;
}

BX_INLINE uint32_t bx_add_u32(uint32_t *at, uint32_t value)
{
    uint32_t before = *at;

    *at = before + value;
    return before;
}

/* `at` is the address of a pointer to an object of any type. */
BX_INLINE void *bx_load_pointer(void *at)
{
    void *value;

    memcpy(&value, at, sizeof value);
    return value;
}

BX_INLINE bool bx_publish_pointer(void *at, void *value)
{
    if (bx_load_pointer(at) != NULL) return false;
    memcpy(at, &value, sizeof value);
    return true;
}

BX_INLINE bool bx_replace_pointer(void *at, void **before, void *value)
{
    void *now = bx_load_pointer(at);

    if (now != *before) {
        *before = now;
        return false;
    }
    memcpy(at, &value, sizeof value);
    return true;
}

#endif

/* An object that all threads use from now on, a type or a function, must not have its references
 * counted at one address by all of them. From its first thread on CPython 3.13 makes classes and
 * functions that are written in Python immortal for that; later versions count in each thread. */
BX_INLINE void bx_share(PyObject *object)
{
#if BX_FREE_THREADED && PY_VERSION_HEX >= 0x030E0000
    (void)PyUnstable_Object_EnableDeferredRefcount(object);
#elif BX_FREE_THREADED
    PyObject_GC_UnTrack(object);
    object->ob_tid = 0;
    object->ob_ref_local = _Py_IMMORTAL_REFCNT_LOCAL;
    object->ob_ref_shared = 0;
#else
    (void)object;
#endif
}

/* Put an object at *slot for good, unless there is one already (takes the reference; NULL stands
 * for a pending exception): 0, or -1. */
BX_INLINE int bx_publish(void *slot, PyObject *object)
{
    if (object == NULL) return -1;
    if (!bx_publish_pointer(slot, object)) Py_DECREF(object);
    return 0;
}

#endif
