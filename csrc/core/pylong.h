/* int objects: the layout of CPython's int, version by version. */
#ifndef BSONX_PYLONG_H
#define BSONX_PYLONG_H

#include "core/common.h"

/* The value of an int (or a subclass) if it fits 64 bits; never raises. */
BX_INLINE bool bx_long_as_int64(PyObject *object, int64_t *value)
{
    int overflow;
#if PY_VERSION_HEX >= 0x030C0000
    if (BX_LIKELY(PyUnstable_Long_IsCompact((PyLongObject *)object))) {
        *value = PyUnstable_Long_CompactValue((PyLongObject *)object);
        return true;
    }
#else
    Py_ssize_t size = Py_SIZE(object);

    if (BX_LIKELY(size >= -1 && size <= 1)) {
        *value = size * (int64_t)((PyLongObject *)object)->ob_digit[0];
        if (size == 0) *value = 0;
        return true;
    }
#endif
    *value = PyLong_AsLongLongAndOverflow(object, &overflow);
    return overflow == 0;
}

/* A non-negative int as `size` bytes, most significant first; -1 with OverflowError. */
BX_INLINE int bx_long_to_big_endian(PyObject *object, uint8_t *bytes, Py_ssize_t size)
{
#if PY_VERSION_HEX >= 0x030D0000
    Py_ssize_t needed = PyLong_AsNativeBytes(
        object, bytes, size,
        Py_ASNATIVEBYTES_BIG_ENDIAN | Py_ASNATIVEBYTES_UNSIGNED_BUFFER |
            Py_ASNATIVEBYTES_REJECT_NEGATIVE);

    if (needed < 0) return -1;
    if (needed > size) {
        PyErr_SetString(PyExc_OverflowError, "int too big to convert");
        return -1;
    }
    return 0;
#else
    return _PyLong_AsByteArray((PyLongObject *)object, bytes, (size_t)size, 0, 0);
#endif
}

/* An int from `size` bytes, most significant first. */
BX_INLINE PyObject *bx_long_from_big_endian(const uint8_t *bytes, Py_ssize_t size)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyLong_FromUnsignedNativeBytes(bytes, (size_t)size, Py_ASNATIVEBYTES_BIG_ENDIAN);
#else
    return _PyLong_FromByteArray(bytes, (size_t)size, 0, 0);
#endif
}

/* An instance of a subclass of int (without __dict__), made without calling Python. */
BX_INLINE PyObject *bx_long_new_subclass(PyTypeObject *type, int64_t value)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t rest = magnitude;
    Py_ssize_t n = 0;
    PyLongObject *self;
    digit *digits;

    do {
        n++;
        rest >>= PyLong_SHIFT;
    } while (rest != 0);
    self = PyObject_NewVar(PyLongObject, type, n);
    if (self == NULL) return NULL;
#if PY_VERSION_HEX >= 0x030C0000
    /* count of digits above three bits, of which the low two are the sign: 0 +, 1 zero, 2 - */
    self->long_value.lv_tag = value == 0 ? 1 : ((uintptr_t)n << 3) | (value < 0 ? 2 : 0);
    digits = self->long_value.ob_digit;
#else
    Py_SET_SIZE(self, value == 0 ? 0 : value < 0 ? -n : n);
    digits = self->ob_digit;
#endif
    for (Py_ssize_t i = 0; i < n; i++) {
        digits[i] = (digit)(magnitude & PyLong_MASK);
        magnitude >>= PyLong_SHIFT;
    }
    return (PyObject *)self;
}

/* Mark the hash of a bytes object made by tp_alloc as not yet computed. */
BX_INLINE void bx_init_bytes_hash(PyObject *bytes)
{
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#endif
    ((PyBytesObject *)bytes)->ob_shash = -1;
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
}

#endif
