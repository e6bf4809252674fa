#include "json/decimal.h"

#include "json/text.h"

#define DIGITS 34
#define BIAS 6176
#define LEAST_EXPONENT (-6176)
#define MOST_EXPONENT 6111
#define SIGN (UINT64_C(1) << 63)

/* ---- reading ---- */

typedef struct {
    uint64_t high, low;
} words;

/* w * 10 + digit; nothing may overflow. */
static words append_digit(words w, unsigned digit)
{
    uint64_t lower = (w.low & UINT32_MAX) * 10 + digit;
    uint64_t upper = (w.low >> 32) * 10 + (lower >> 32);

    return (words){w.high * 10 + (upper >> 32), upper << 32 | (lower & UINT32_MAX)};
}

typedef struct {
    words coefficient;
    int digits;
    int fraction; /* how many of them, leading zeros included, follow the point */
} decimal_parts;

/* Digits and at most one point; NULL if there are no digits or too many. */
static const uint8_t *read_coefficient(const uint8_t *p, const uint8_t *end, decimal_parts *d)
{
    bool point = false, any = false;

    for (; p < end; p++) {
        if (*p == '.' && !point) {
            point = true;
            continue;
        }
        if (!bx_is_digit(*p)) break;
        any = true;
        d->fraction += point;
        d->digits += d->digits > 0 || *p != '0';
        if (d->digits > DIGITS || d->fraction > BIAS) return NULL;
        d->coefficient = append_digit(d->coefficient, (unsigned)(*p - '0'));
    }
    return any ? p : NULL;
}

/* An exponent or nothing, up to the end. */
static bool read_exponent(const uint8_t *p, const uint8_t *end, int *exponent)
{
    bool negative;
    int value = 0;

    *exponent = 0;
    if (p == end) return true;
    if (*p != 'e' && *p != 'E') return false;
    p++;
    negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    if (p == end || end - p > 5) return false;
    for (; p < end; p++) {
        if (!bx_is_digit(*p)) return false;
        value = value * 10 + (*p - '0');
    }
    *exponent = negative ? -value : value;
    return true;
}

bool bx_decimal_read(bx_json_span text, uint64_t *high, uint64_t *low)
{
    const uint8_t *p = text.text, *end = p + text.size;
    decimal_parts d = {{0, 0}, 0, 0};
    bool negative = p < end && *p == '-';
    int exponent;

    if (p < end && (*p == '-' || *p == '+')) p++;
    p = read_coefficient(p, end, &d);
    if (p == NULL || !read_exponent(p, end, &exponent)) return false;
    exponent -= d.fraction;
    if (exponent < LEAST_EXPONENT || exponent > MOST_EXPONENT) return false;
    *high = d.coefficient.high | (uint64_t)(exponent + BIAS) << 49 | (negative ? SIGN : 0);
    *low = d.coefficient.low;
    return true;
}

/* ---- writing ---- */

/* Divide by 10^9, giving the rest. */
static uint32_t split_digits(words *w)
{
    const uint32_t base = 1000000000;
    uint32_t parts[4] = {(uint32_t)(w->high >> 32), (uint32_t)w->high, (uint32_t)(w->low >> 32),
                         (uint32_t)w->low};
    uint64_t rest = 0;

    for (int i = 0; i < 4; i++) {
        rest = rest << 32 | parts[i];
        parts[i] = (uint32_t)(rest / base);
        rest %= base;
    }
    w->high = (uint64_t)parts[0] << 32 | parts[1];
    w->low = (uint64_t)parts[2] << 32 | parts[3];
    return (uint32_t)rest;
}

/* The digits of a coefficient, at the end of `buffer`: where they begin. */
static const uint8_t *format_digits(uint8_t *buffer, int size, words coefficient)
{
    uint8_t *p = buffer + size;

    do {
        uint32_t part = split_digits(&coefficient);
        bool last = coefficient.high == 0 && coefficient.low == 0;

        for (int i = 0; last ? part != 0 : i < 9; i++) {
            *--p = (uint8_t)('0' + part % 10);
            part /= 10;
        }
    } while (coefficient.high != 0 || coefficient.low != 0);
    if (p == buffer + size) *--p = '0';
    return p;
}

/* Coefficients of more than 34 digits stand for zero. */
static bool is_too_large(words c)
{
    const words most = {UINT64_C(0x1ED09BEAD87C0), UINT64_C(0x378D8E63FFFFFFFF)};

    return c.high > most.high || (c.high == most.high && c.low > most.low);
}

static uint8_t *put(uint8_t *p, const void *text, size_t size)
{
    memcpy(p, text, size);
    return p + size;
}

static uint8_t *put_zeros(uint8_t *p, int n)
{
    memset(p, '0', (size_t)n);
    return p + n;
}

/* As decimal.Decimal does: General Decimal Arithmetic, "to-scientific-string". */
static uint8_t *format(uint8_t *p, const uint8_t *digits, int count, int exponent)
{
    int left = count + exponent;
    int point = exponent <= 0 && left > -6 ? left : 1;

    if (point <= 0) {
        p = put_zeros(put(p, "0.", 2), -point);
        p = put(p, digits, (size_t)count);
    } else if (point >= count) {
        p = put_zeros(put(p, digits, (size_t)count), point - count);
    } else {
        p = put(p, digits, (size_t)point);
        *p++ = '.';
        p = put(p, digits + point, (size_t)(count - point));
    }
    if (left == point) return p;
    *p++ = 'E';
    if (left - point > 0) *p++ = '+';
    return bx_json_write_int(p, left - point);
}

uint8_t *bx_decimal_write(uint8_t *p, uint64_t high, uint64_t low)
{
    uint8_t buffer[40];
    words coefficient = {high & UINT64_C(0x1FFFFFFFFFFFF), low};
    const uint8_t *digits;
    int exponent = (int)(high >> 49 & 0x3FFF) - BIAS;

    if ((high & UINT64_C(0x7C00000000000000)) == UINT64_C(0x7C00000000000000)) {
        return put(p, "NaN", 3);
    }
    if (high & SIGN) *p++ = '-';
    if ((high & UINT64_C(0x7800000000000000)) == UINT64_C(0x7800000000000000)) {
        return put(p, "Infinity", 8);
    }
    if ((high & UINT64_C(0x6000000000000000)) == UINT64_C(0x6000000000000000)) {
        coefficient = (words){0, 0};
        exponent = (int)(high >> 47 & 0x3FFF) - BIAS;
    } else if (is_too_large(coefficient)) {
        coefficient = (words){0, 0};
    }
    digits = format_digits(buffer, sizeof buffer, coefficient);
    return format(p, digits, (int)(buffer + sizeof buffer - digits), exponent);
}
