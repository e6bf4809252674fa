/* Hexadecimal digits in both directions. */
#ifndef BSONX_HEX_H
#define BSONX_HEX_H

#include "core/common.h"

/* The value of a digit of either case; -1 for any other character. */
BX_INLINE int bx_hex_digit(uint32_t c)
{
    if (c - '0' <= 9) return (int)(c - '0');
    c |= 0x20;
    return c - 'a' <= 5 ? (int)(c - 'a') + 10 : -1;
}

/* Read 2 * `size` digits; false if one is not. */
BX_INLINE bool bx_hex_read(uint8_t *dst, const uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int byte = bx_hex_digit(text[2 * i]) * 16 | bx_hex_digit(text[2 * i + 1]);

        if (byte < 0) return false;
        dst[i] = (uint8_t)byte;
    }
    return true;
}

/* Write bytes as lower-case digits; the new end. */
BX_INLINE uint8_t *bx_hex_write(uint8_t *p, const uint8_t *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        *p++ = (uint8_t)digits[data[i] >> 4];
        *p++ = (uint8_t)digits[data[i] & 15];
    }
    return p;
}

#endif
