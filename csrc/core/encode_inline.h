/* Elements written where they stand: keys, and the values that need no Python code. For the loops
 * over containers; everything else goes through the functions of encode.h. */
#ifndef BSONX_ENCODE_INLINE_H
#define BSONX_ENCODE_INLINE_H

#include "core/encode.h"
#include "core/pylong.h"
#include "core/utf8.h"
#include "types/types.h"

/* What every element has room for once its key is written. */
#define BX_SCALAR_ROOM 16

/* Copy `n` bytes; the result is non-zero if there is a NUL byte among them. */
BX_INLINE uint64_t bx_copy_key(uint8_t *dst, const uint8_t *src, size_t n)
{
    uint64_t word, bad = 0;

    if (n >= 8) {
        size_t i = 0;

        do {
            memcpy(&word, src + i, 8);
            bad |= bx_zero_byte(word);
            memcpy(dst + i, &word, 8);
            i += 8;
        } while (i + 8 <= n);
        memcpy(&word, src + n - 8, 8);
        bad |= bx_zero_byte(word);
        memcpy(dst + n - 8, &word, 8);
        return bad;
    }
    if (n >= 4) {
        uint32_t head, tail;

        memcpy(&head, src, 4);
        memcpy(&tail, src + n - 4, 4);
        memcpy(dst, &head, 4);
        memcpy(dst + n - 4, &tail, 4);
        return bx_zero_byte(head | (uint64_t)tail << 32);
    }
    if (n > 0) {
        uint8_t a = src[0], b = src[n >> 1], c = src[n - 1];

        dst[0] = a;
        dst[n >> 1] = b;
        dst[n - 1] = c;
        return !(a && b && c);
    }
    return 0;
}

/* The fast path keeps the output position in a register: these functions take it and return it
 * moved on, or NULL with an exception. The writer's own position is set before anything else may
 * write, and read again after it. */

BX_INLINE uint8_t *bx_reserve(bx_encoder *e, uint8_t *p, size_t size)
{
    if (BX_LIKELY((size_t)(e->w.end - p) >= size)) return p;
    e->w.p = p;
    return bx_writer_grow(&e->w, size) < 0 ? NULL : e->w.p;
}

/* bx_put_key for a key that is not compact ASCII, or is wrong (encode_keys.c). */
uint8_t *bx_put_key_slow(bx_encoder *e, uint8_t *p, PyObject *key, size_t *type_at);

/* Append a placeholder for the type, and the key; room for a scalar is reserved as well. The key
 * alone tells where the placeholder is: *type_at is its distance before the result. */
BX_INLINE uint8_t *bx_put_key(bx_encoder *e, uint8_t *p, PyObject *key, size_t *type_at)
{
    const uint8_t *text;
    size_t n;

    if (BX_UNLIKELY(!PyUnicode_CheckExact(key) || !PyUnicode_IS_COMPACT_ASCII(key) ||
                    e->check_keys)) {
        return bx_put_key_slow(e, p, key, type_at);
    }
    text = (const uint8_t *)((PyASCIIObject *)key + 1);
    n = (size_t)((PyASCIIObject *)key)->length;
    p = bx_reserve(e, p, n + 2 + BX_SCALAR_ROOM);
    if (BX_UNLIKELY(p == NULL)) {
        bx_path_add_key(e, key);
        return NULL;
    }
    if (BX_UNLIKELY(bx_copy_key(p + 1, text, n) != 0)) return bx_put_key_slow(e, p, key, type_at);
    *type_at = n + 2;
    p += n + 2;
    p[-1] = 0;
    return p;
}

/* The same for an array index as the key. */
BX_INLINE uint8_t *bx_put_index(bx_encoder *e, uint8_t *p, Py_ssize_t index, size_t *type_at)
{
    uint8_t digits[20];
    int n = 0;

    p = bx_reserve(e, p, sizeof digits + 2 + BX_SCALAR_ROOM);
    if (BX_UNLIKELY(p == NULL)) return NULL;
    if (BX_LIKELY(index < 10)) {
        p[1] = (uint8_t)('0' + index);
        p[2] = 0;
        *type_at = 3;
        return p + 3;
    }
    while (index > 0) {
        digits[n++] = (uint8_t)('0' + index % 10);
        index /= 10;
    }
    *type_at = (size_t)n + 2;
    p++;
    while (n > 0) *p++ = digits[--n];
    *p++ = 0;
    return p;
}

/* ---- values ---- */

/* Append a value that needs no Python code; the element's type byte is `type_at` before `p`, and
 * BX_SCALAR_ROOM bytes are reserved. *other is set, and nothing written, for any other value. */
BX_INLINE uint8_t *bx_put_simple(bx_encoder *e, uint8_t *p, size_t type_at, PyObject *value,
                              bool *other)
{
    PyTypeObject *type = Py_TYPE(value);
    uint8_t *code = p - type_at;

    *other = false;
    if (type == &PyUnicode_Type) {
        size_t n;

        if (BX_UNLIKELY(!PyUnicode_IS_COMPACT_ASCII(value))) goto other;
        n = (size_t)((PyASCIIObject *)value)->length;
        if (BX_UNLIKELY(n >= INT32_MAX)) goto other;
        *code = BX_STRING;
        p = bx_reserve(e, p, n + 5);
        if (BX_UNLIKELY(p == NULL)) return NULL;
        bx_store32(p, (uint32_t)n + 1);
        bx_copy_text(p + 4, (const uint8_t *)((PyASCIIObject *)value + 1), n);
        p += n + 5;
        p[-1] = 0;
        return p;
    }
    if (type == &PyLong_Type) {
        int64_t number;

        if (BX_UNLIKELY(!bx_long_as_int64(value, &number))) goto other;
        if (BX_LIKELY(number == (int32_t)number)) {
            *code = BX_INT32;
            bx_store32(p, (uint32_t)number);
            return p + 4;
        }
        *code = BX_INT64;
        bx_store64(p, (uint64_t)number);
        return p + 8;
    }
    if (type == &PyDict_Type || type == &PyList_Type) goto other;
    if (type == &PyFloat_Type) {
        *code = BX_DOUBLE;
        bx_store_double(p, PyFloat_AS_DOUBLE(value));
        return p + 8;
    }
    if (value == Py_None) {
        *code = BX_NULL;
        return p;
    }
    if (type == &PyBool_Type) {
        *code = BX_BOOL;
        *p = value == Py_True;
        return p + 1;
    }
    if (type == e->st->ObjectId) {
        *code = BX_OBJECTID;
        memcpy(p, ((bx_objectid *)value)->bytes, 12);
        return p + 12;
    }
    if (type == e->st->Int64) {
        int64_t number;

        if (BX_UNLIKELY(!bx_long_as_int64(value, &number))) goto other;
        *code = BX_INT64;
        bx_store64(p, (uint64_t)number);
        return p + 8;
    }
other:
    *other = true;
    return p;
}

/* A value that bx_put_simple left, behind a key that is written. */
BX_INLINE uint8_t *bx_put_other(bx_encoder *e, uint8_t *p, size_t type_at, PyObject *value)
{
    size_t at = (size_t)(p - e->w.base) - type_at;
    PyTypeObject *type = Py_TYPE(value);
    int status;

    e->w.p = p;
    if (type == &PyDict_Type) {
        p[-(ptrdiff_t)type_at] = BX_DOCUMENT;
        status = bx_encode_dict(e, value, false);
    } else if (type == &PyList_Type) {
        p[-(ptrdiff_t)type_at] = BX_ARRAY;
        status = bx_encode_list(e, value);
    } else {
        status = bx_encode_value(e, at, value);
    }
    return BX_UNLIKELY(status < 0) ? NULL : e->w.p;
}

/* Append an element. Key and value are borrowed from a container that may change as soon as Python
 * code runs: values that need that, or recursion, go on with references to both. */
BX_INLINE uint8_t *bx_put_element(bx_encoder *e, uint8_t *p, PyObject *key, PyObject *value)
{
    size_t type_at;
    bool other;

    p = bx_put_key(e, p, key, &type_at);
    if (BX_UNLIKELY(p == NULL)) return NULL;
    p = bx_put_simple(e, p, type_at, value, &other);
    if (BX_UNLIKELY(other)) {
        Py_INCREF(key);
        Py_INCREF(value);
        p = bx_put_other(e, p, type_at, value);
        if (BX_UNLIKELY(p == NULL)) bx_path_add_key(e, key);
        Py_DECREF(key);
        Py_DECREF(value);
    }
    return p;
}

BX_INLINE uint8_t *bx_put_item(bx_encoder *e, uint8_t *p, Py_ssize_t index, PyObject *value)
{
    size_t type_at;
    bool other;

    p = bx_put_index(e, p, index, &type_at);
    if (BX_UNLIKELY(p == NULL)) return NULL;
    p = bx_put_simple(e, p, type_at, value, &other);
    if (BX_UNLIKELY(other)) {
        Py_INCREF(value);
        p = bx_put_other(e, p, type_at, value);
        if (BX_UNLIKELY(p == NULL)) bx_path_add_index(e, index);
        Py_DECREF(value);
    }
    return p;
}

/* ---- containers ---- */

/* Where the size of a new container goes, for bx_close_container; -1 with an exception. */
BX_INLINE Py_ssize_t bx_open_container(bx_encoder *e)
{
    if (BX_UNLIKELY(!bx_enter(&e->guard))) return bx_encode_too_deep();
    if (bx_writer_reserve(&e->w, 5) < 0) return -1;
    return (Py_ssize_t)bx_put_size_later(&e->w);
}

BX_INLINE int bx_close_container(bx_encoder *e, Py_ssize_t at)
{
    size_t size;

    if (bx_writer_reserve(&e->w, 1) < 0) return -1;
    bx_put_u8(&e->w, 0);
    size = bx_writer_size(&e->w) - (size_t)at;
    if (BX_UNLIKELY(size > INT32_MAX)) return bx_encode_too_large(e);
    bx_patch_u32(&e->w, (size_t)at, (uint32_t)size);
    bx_leave(&e->guard);
    return 0;
}

#endif
