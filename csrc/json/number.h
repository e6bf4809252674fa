/* Numbers in JSON text. */
#ifndef BSONX_JSON_NUMBER_H
#define BSONX_JSON_NUMBER_H

#include <math.h>

#include "json/cursor.h"
#include "json/double.h"

/* A magnitude with its sign, if that fits. */
BX_INLINE bool bx_with_sign(uint64_t magnitude, bool negative, int64_t *value)
{
    if (BX_UNLIKELY(magnitude > (uint64_t)INT64_MAX + negative)) return false;
    *value = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

#define BX_MANY_DIGITS 1000000

typedef struct {
    uint64_t mantissa; /* all digits, if there are at most 19 */
    int digits;
    int exponent; /* of ten */
    bool negative;
    bool is_double;
    const uint8_t *end;
} bx_number;

BX_INLINE const uint8_t *bx_read_digits(const uint8_t *p, bx_number *n)
{
    for (; bx_is_digit(*p); p++) {
        if (BX_UNLIKELY(n->digits >= 19)) {
            if (n->digits < BX_MANY_DIGITS) n->digits++;
            continue;
        }
        n->mantissa = n->mantissa * 10 + (uint64_t)(*p - '0');
        n->digits += n->mantissa != 0;
    }
    return p;
}

static inline const uint8_t *bx_read_exponent(const uint8_t *p, bx_number *n)
{
    const uint8_t *q = p + 1;
    bool negative = *q == '-';
    int exponent = 0;

    if (*q == '-' || *q == '+') q++;
    if (!bx_is_digit(*q)) return p;
    for (; bx_is_digit(*q); q++) {
        if (exponent < BX_MANY_DIGITS) exponent = exponent * 10 + (*q - '0');
    }
    n->exponent += negative ? -exponent : exponent;
    n->is_double = true;
    return q;
}

/* Scan the number at `p`, behind which a byte stands that belongs to none; false if there is none. */
BX_INLINE bool bx_scan_number(const uint8_t *p, bx_number *n)
{
    n->mantissa = 0;
    n->digits = 0;
    n->exponent = 0;
    n->is_double = false;
    n->negative = *p == '-';
    p += n->negative;
    if (!bx_is_digit(*p)) return false;
    p = *p == '0' ? p + 1 : bx_read_digits(p, n);
    if (*p == '.' && bx_is_digit(p[1])) {
        const uint8_t *fraction = p + 1;

        p = bx_read_digits(fraction, n);
        n->exponent = p - fraction > BX_MANY_DIGITS ? -BX_MANY_DIGITS : -(int)(p - fraction);
        n->is_double = true;
    }
    if (*p == 'e' || *p == 'E') p = bx_read_exponent(p, n);
    n->end = p;
    return true;
}

/* The double that a scanned number is; false in the few cases that take longer. */
BX_INLINE bool bx_number_as_double(const bx_number *n, double *value)
{
    double v;

    if (BX_UNLIKELY(n->digits > 19 || !bx_double_read(n->mantissa, n->exponent, &v))) return false;
    *value = n->negative ? -v : v;
    return true;
}

/* The double of text that is a number, in any case: -1 with MemoryError. Needs the GIL. */
int bx_double_read_slow(const uint8_t *text, size_t size, double *value);

/* Whether nothing is left of a number: it is too large or too small for a double. */
BX_INLINE bool bx_is_lost(const bx_number *n, double value)
{
    return isinf(value) || (value == 0 && n->mantissa != 0);
}

/* The value of text that is wholly one number of at most 19 digits and fits; false if it is not. */
static inline bool bx_span_as_int(bx_json_span span, int64_t *value)
{
    uint64_t number = 0;
    bool negative = span.size > 0 && span.text[0] == '-';
    size_t i = negative;

    if (span.size - i < 1 || span.size - i > 19) return false;
    for (; i < span.size; i++) {
        if (!bx_is_digit(span.text[i])) return false;
        number = number * 10 + (uint64_t)(span.text[i] - '0');
    }
    return bx_with_sign(number, negative, value);
}

/* A whole number that fits 64 bits, without sign or leading zeros. */
static inline bool bx_read_count(bx_cursor *c, int64_t *value)
{
    bx_json_span span = {c->p, 0};

    while (span.size < 20 && bx_is_digit(c->p[span.size])) span.size++;
    if (!bx_span_as_int(span, value) || (span.size > 1 && span.text[0] == '0')) return false;
    c->p += span.size;
    return true;
}

#endif
