/* UTF-8 in both directions. */
#ifndef BSONX_UTF8_H
#define BSONX_UTF8_H

#include "core/common.h"
#include "core/writer.h"

/* Write one code point in at most 4 bytes, a surrogate like any other; the new end. */
BX_INLINE uint8_t *bx_utf8_put(uint8_t *p, uint32_t c)
{
    if (c < 0x80) {
        *p++ = (uint8_t)c;
        return p;
    }
    if (c < 0x800) {
        *p++ = (uint8_t)(0xC0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *p++ = (uint8_t)(0xE0 | c >> 12);
        } else {
            *p++ = (uint8_t)(0xF0 | c >> 18);
            *p++ = (uint8_t)(0x80 | (c >> 12 & 0x3F));
        }
        *p++ = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    }
    *p++ = (uint8_t)(0x80 | (c & 0x3F));
    return p;
}

/* Append the UTF-8 form of a str to the writer. -1 with UnicodeEncodeError for a surrogate, or
 * MemoryError. */
int bx_utf8_write(bx_writer *w, PyObject *text);

/* A str from UTF-8 that has a byte above 0x7F; `errors` names the error handler (NULL: strict). */
PyObject *bx_utf8_decode(const uint8_t *data, Py_ssize_t size, const char *errors);

/* Whether bytes are UTF-8 as str.encode() gives it: shortest forms, no surrogates. */
bool bx_utf8_is_valid(const uint8_t *p, size_t n);

/* Whether all bytes are below 0x80. */
BX_INLINE bool bx_is_ascii(const uint8_t *p, size_t n)
{
#if BX_SSE2
    const uint8_t *end = p + n;

    if (n >= 16) {
        __m128i all = _mm_loadu_si128((const __m128i *)(end - 16));

        for (; end - p >= 16; p += 16) {
            all = _mm_or_si128(all, _mm_loadu_si128((const __m128i *)p));
        }
        return _mm_movemask_epi8(all) == 0;
    }
#endif
    if (n >= 8) {
        uint64_t all, word;

        memcpy(&all, p + n - 8, 8);
        for (size_t i = 0; i + 8 <= n; i += 8) {
            memcpy(&word, p + i, 8);
            all |= word;
        }
        return (all & UINT64_C(0x8080808080808080)) == 0;
    }
    if (n >= 4) {
        uint32_t head, tail;

        memcpy(&head, p, 4);
        memcpy(&tail, p + n - 4, 4);
        return ((head | tail) & UINT32_C(0x80808080)) == 0;
    }
    if (n > 0) return ((p[0] | p[n >> 1] | p[n - 1]) & 0x80) == 0;
    return true;
}

/* Copy of short and long text, for destinations of exactly `n` bytes. */
BX_INLINE void bx_copy_text(uint8_t *dst, const uint8_t *src, size_t n)
{
    if (n > 32) {
        memcpy(dst, src, n);
    } else if (n >= 16) {
        memcpy(dst, src, 16);
        memcpy(dst + n - 16, src + n - 16, 16);
    } else if (n >= 8) {
        memcpy(dst, src, 8);
        memcpy(dst + n - 8, src + n - 8, 8);
    } else if (n >= 4) {
        memcpy(dst, src, 4);
        memcpy(dst + n - 4, src + n - 4, 4);
    } else if (n > 0) {
        dst[0] = src[0];
        dst[n >> 1] = src[n >> 1];
        dst[n - 1] = src[n - 1];
    }
}

/* A str from `size` bytes of UTF-8. */
BX_INLINE PyObject *bx_text(const uint8_t *data, Py_ssize_t size, const char *errors)
{
    PyObject *text;

    if (BX_UNLIKELY(!bx_is_ascii(data, (size_t)size))) return bx_utf8_decode(data, size, errors);
    if (BX_UNLIKELY(size <= 1)) return PyUnicode_FromStringAndSize((const char *)data, size);
    text = PyUnicode_New(size, 127);
    if (BX_LIKELY(text != NULL)) {
        bx_copy_text((uint8_t *)((PyASCIIObject *)text + 1), data, (size_t)size);
    }
    return text;
}

#endif
