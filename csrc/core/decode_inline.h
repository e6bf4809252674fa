/* The steps of the decoder that are inlined into more than one file. */
#ifndef BSONX_DECODE_INLINE_H
#define BSONX_DECODE_INLINE_H

#include "core/decode.h"
#include "core/keycache.h"
#include "core/utf8.h"

/* The bounds of an embedded document or array at *at: its first element and its final NUL. *at
 * moves behind it. */
BX_INLINE bool bx_embedded_bounds(const uint8_t **at, const uint8_t *end, const uint8_t **first,
                                  const uint8_t **last)
{
    const uint8_t *p = *at;
    int32_t size;

    if (BX_UNLIKELY(end - p < 5)) return false;
    size = (int32_t)bx_load32(p);
    if (BX_UNLIKELY(size < 5 || size > end - p || p[size - 1] != 0)) return false;
    *first = p + 4;
    *last = p + size - 1;
    *at = p + size;
    return true;
}

/* The str of the string at *at, which is moved behind it. */
BX_INLINE PyObject *bx_decode_string(bx_decoder *d, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    PyObject *text;
    int32_t size;

    if (BX_UNLIKELY(end - p < 5)) return bx_bad_element(d, p);
    size = (int32_t)bx_load32(p);
    p += 4;
    if (BX_UNLIKELY(size < 1 || size > end - p || p[size - 1] != 0)) {
        return bx_bad_element(d, p - 4);
    }
    *at = p + size;
    if (size <= BX_VALUE_MOST + 1 && d->limit - p >= 16 && BX_LIKELY(d->keys != NULL)) {
        text = bx_value_text(&d->keys->values, p, (size_t)size - 1, d->options->errors);
    } else {
        text = bx_text(p, size - 1, d->options->errors);
    }
    if (BX_UNLIKELY(text == NULL)) return bx_wrap_error(d, p);
    return text;
}

#endif
