/* The steps of the decoder that are inlined into more than one file. */
#ifndef BSONX_DECODE_INLINE_H
#define BSONX_DECODE_INLINE_H

#include "core/decode.h"
#include "core/keycache.h"
#include "core/skip.h"
#include "core/take.h"
#include "core/utf8.h"

/* ---- values that wait for their container ---- */

/* Push a value (taking the reference, also on failure); -1 with MemoryError. */
BX_INLINE int bx_pile_push(bx_pile *pile, PyObject *value)
{
    if (BX_UNLIKELY(pile->top == pile->room) && bx_pile_grow(pile) < 0) {
        Py_DECREF(value);
        return -1;
    }
    pile->items[pile->top++] = value;
    return 0;
}

/* Push a key and a value, likewise. */
BX_INLINE int bx_pile_push_pair(bx_pile *pile, PyObject *key, PyObject *value)
{
    size_t top = pile->top;

    if (BX_UNLIKELY(pile->room - top < 2) && bx_pile_grow(pile) < 0) {
        Py_DECREF(key);
        Py_DECREF(value);
        return -1;
    }
    pile->items[top] = key;
    pile->items[top + 1] = value;
    pile->top = top + 2;
    return 0;
}

/* ---- elements ---- */

/* The key at *at, which is moved behind its NUL: NULL with InvalidBSON. */
BX_INLINE PyObject *bx_decode_key(bx_decoder *d, const uint8_t **at, const uint8_t *end,
                                  const char *errors)
{
    const uint8_t *name = *at;
    PyObject *key = bx_read_key(d->keys, at, end, d->limit, errors);

    return BX_LIKELY(key != NULL) ? key : bx_bad_key(d, name);
}

/* Step over the name of the array item at *at, the type byte: array items are named by their
 * position, which nobody checks. `name` is that of the array. False with InvalidBSON. */
BX_INLINE bool bx_skip_item_name(bx_decoder *d, const uint8_t **at, const uint8_t *end,
                                 PyObject *name)
{
    const uint8_t *element = *at;
    const uint8_t *p = element + 1;

    while (p < end && *p != 0) p++;
    if (BX_UNLIKELY(p >= end)) {
        bx_bad_item(d, element, name);
        return false;
    }
    *at = p + 1;
    return true;
}

/* The str of the string at *at, which is moved behind it. */
BX_INLINE PyObject *bx_decode_string(bx_decoder *d, const uint8_t **at, const uint8_t *end)
{
    Py_ssize_t size;
    const uint8_t *p = bx_take_string(at, end, &size);
    PyObject *text;

    if (BX_UNLIKELY(p == NULL)) return bx_bad_element(d, *at);
    if (size <= BX_VALUE_MOST && d->limit - p >= 16 && BX_LIKELY(d->keys != NULL)) {
        text = bx_value_text(&d->keys->values, p, (size_t)size, d->options->errors);
    } else {
        text = bx_text(p, size, d->options->errors);
    }
    if (BX_UNLIKELY(text == NULL)) return bx_wrap_error(d, p);
    return text;
}

#endif
