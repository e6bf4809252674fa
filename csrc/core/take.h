/* Taking values off the input: the one place where their lengths are compared with what is there.
 *
 * Each function takes a value at *at, which must end by `end`, moves *at behind it and returns where
 * it begins; if it does not fit or its form is wrong it returns NULL and leaves *at alone. Sizes and
 * forms are those of the BSON specification's grammar (https://bsonspec.org/spec.html). */
#ifndef BSONX_TAKE_H
#define BSONX_TAKE_H

#include "core/common.h"

/* `n` bytes. */
BX_INLINE const uint8_t *bx_take(const uint8_t **at, const uint8_t *end, size_t n)
{
    const uint8_t *p = *at;

    if (BX_UNLIKELY((size_t)(end - p) < n)) return NULL;
    *at = p + n;
    return p;
}

/* Something that begins with the int32 size of all of it, `least` or more (and 4 of course). */
BX_INLINE const uint8_t *bx_take_sized(const uint8_t **at, const uint8_t *end, int32_t least)
{
    const uint8_t *p = *at;
    int32_t size;

    if (BX_UNLIKELY(end - p < 4)) return NULL;
    size = (int32_t)bx_load32(p);
    if (BX_UNLIKELY(size < least || size > end - p)) return NULL;
    *at = p + size;
    return p;
}

/* A document or array: int32 size of all of it, elements, NUL. `*last` is that NUL. */
BX_INLINE const uint8_t *bx_take_document(const uint8_t **at, const uint8_t *end,
                                          const uint8_t **last)
{
    const uint8_t *next = *at;
    const uint8_t *p = bx_take_sized(&next, end, 5);

    if (BX_UNLIKELY(p == NULL || next[-1] != 0)) return NULL;
    *last = next - 1;
    *at = next;
    return p;
}

/* A string: int32 size, which counts the NUL, bytes, NUL. `*size` is that of the bytes, which are what
 * is returned. */
BX_INLINE const uint8_t *bx_take_string(const uint8_t **at, const uint8_t *end, Py_ssize_t *size)
{
    const uint8_t *p = *at;
    int32_t n;

    if (BX_UNLIKELY(end - p < 5)) return NULL;
    n = (int32_t)bx_load32(p);
    p += 4;
    if (BX_UNLIKELY(n < 1 || n > end - p || p[n - 1] != 0)) return NULL;
    *at = p + n;
    *size = n - 1;
    return p;
}

/* A cstring: bytes that end at the first NUL. */
BX_INLINE const uint8_t *bx_take_cstring(const uint8_t **at, const uint8_t *end, Py_ssize_t *size)
{
    const uint8_t *p = *at;
    const uint8_t *nul = p < end ? memchr(p, 0, (size_t)(end - p)) : NULL;

    if (BX_UNLIKELY(nul == NULL)) return NULL;
    *at = nul + 1;
    *size = nul - p;
    return p;
}

/* Binary data: int32 size, subtype, bytes. Those of the old subtype 2 begin with their size again;
 * where the two disagree *at is at the second. */
BX_INLINE const uint8_t *bx_take_binary(const uint8_t **at, const uint8_t *end, Py_ssize_t *size,
                                        int *subtype)
{
    const uint8_t *p = *at;
    int32_t n;

    if (BX_UNLIKELY(end - p < 5)) return NULL;
    n = (int32_t)bx_load32(p);
    *subtype = p[4];
    p += 5;
    if (BX_UNLIKELY(n < 0 || n > end - p)) return NULL;
    if (*subtype == 2) {
        if (n < 4 || (int32_t)bx_load32(p) != n - 4) {
            *at = p;
            return NULL;
        }
        p += 4;
        n -= 4;
    }
    *at = p + n;
    *size = n;
    return p;
}

#endif
