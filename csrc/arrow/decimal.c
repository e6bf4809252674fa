/* Decimals of Arrow, which are integers with a scale, and Decimal128. */
#include "arrow/decimal.h"

/* 10 ** 34 */
#define LIMIT_HIGH UINT64_C(0x0001ED09BEAD87C0)
#define LIMIT_LOW UINT64_C(0x378D8E6400000000)

#define BIAS 6176

/* Divide by ten in place; the remainder. */
static uint32_t divide_by_ten(uint64_t *high, uint64_t *low)
{
    uint32_t parts[4] = {(uint32_t)(*high >> 32), (uint32_t)*high, (uint32_t)(*low >> 32),
                         (uint32_t)*low};
    uint64_t rest = 0;

    for (int i = 0; i < 4; i++) {
        uint64_t part = rest << 32 | parts[i];

        parts[i] = (uint32_t)(part / 10);
        rest = part % 10;
    }
    *high = (uint64_t)parts[0] << 32 | parts[1];
    *low = (uint64_t)parts[2] << 32 | parts[3];
    return (uint32_t)rest;
}

bool bx_decimal_to_bid(uint64_t high, uint64_t low, bool negative, int exponent, uint8_t *out)
{
    while (high > LIMIT_HIGH || (high == LIMIT_HIGH && low >= LIMIT_LOW)) {
        if (divide_by_ten(&high, &low) != 0) return false;
        exponent++;
    }
    bx_store64(out, low);
    bx_store64(out + 8, (uint64_t)negative << 63 | (uint64_t)(exponent + BIAS) << 49 | high);
    return true;
}

bx_decimal_class bx_decimal_from_bid(const uint8_t *bid, bx_decimal *out)
{
    uint64_t high = bx_load64(bid + 8);

    out->negative = high >> 63;
    out->low = bx_load64(bid);
    out->high = high & UINT64_C(0x1FFFFFFFFFFFF);
    out->exponent = (int)(high >> 49 & 0x3FFF) - BIAS;
    if ((high & UINT64_C(0x7C00000000000000)) == UINT64_C(0x7C00000000000000)) {
        return BX_DECIMAL_NAN;
    }
    if ((high & UINT64_C(0x7800000000000000)) == UINT64_C(0x7800000000000000)) {
        return BX_DECIMAL_INFINITY;
    }
    if ((high & UINT64_C(0x6000000000000000)) == UINT64_C(0x6000000000000000)) {
        out->exponent = (int)(high >> 47 & 0x3FFF) - BIAS;
        out->high = out->low = 0;
    } else if (out->high > LIMIT_HIGH || (out->high == LIMIT_HIGH && out->low >= LIMIT_LOW)) {
        out->high = out->low = 0; /* more than 34 digits are read as zero */
    }
    return BX_DECIMAL_FINITE;
}

/* Digits of the coefficient without leading zeros; how many. */
static int write_digits(const bx_decimal *d, char *out)
{
    uint64_t high = d->high, low = d->low;
    char turned[40];
    int n = 0;

    do {
        turned[n++] = (char)('0' + divide_by_ten(&high, &low));
    } while (high != 0 || low != 0);
    for (int i = 0; i < n; i++) out[i] = turned[n - 1 - i];
    return n;
}

size_t bx_decimal_text(const uint8_t *bid, char *out)
{
    bx_decimal d;
    bx_decimal_class class = bx_decimal_from_bid(bid, &d);
    char digits[40];
    char *p = out;
    int n, point;

    if (class == BX_DECIMAL_NAN) return (size_t)sprintf(out, "NaN");
    if (d.negative) *p++ = '-';
    if (class == BX_DECIMAL_INFINITY) return (size_t)(p - out) + (size_t)sprintf(p, "Infinity");
    n = write_digits(&d, digits);
    point = n + d.exponent; /* digits before the decimal point */
    if (d.exponent > 0 || point < -5) {
        *p++ = digits[0];
        if (n > 1) *p++ = '.';
        for (int i = 1; i < n; i++) *p++ = digits[i];
        return (size_t)(p - out) + (size_t)sprintf(p, "E%+d", point - 1);
    }
    if (point <= 0) *p++ = '0';
    for (int i = 0; i < point; i++) *p++ = digits[i];
    if (d.exponent < 0) *p++ = '.';
    for (int i = point; i < 0; i++) *p++ = '0';
    for (int i = point < 0 ? 0 : point; i < n; i++) *p++ = digits[i];
    return (size_t)(p - out);
}

/* Times ten in place; false if 127 bits do not hold it. */
static bool times_ten(bx_decimal *d)
{
    uint64_t low_part = (d->low & 0xFFFFFFFF) * 10;
    uint64_t high_part = (d->low >> 32) * 10 + (low_part >> 32);

    if (d->high > (UINT64_C(1) << 63) / 10 - 1) return false;
    d->low = high_part << 32 | (low_part & 0xFFFFFFFF);
    d->high = d->high * 10 + (high_part >> 32);
    return true;
}

bool bx_decimal_scale(bx_decimal *d, int scale)
{
    if (d->high == 0 && d->low == 0) {
        d->exponent = -scale;
        return true;
    }
    while (d->exponent > -scale) {
        if (!times_ten(d)) return false;
        d->exponent--;
    }
    while (d->exponent < -scale) {
        if (divide_by_ten(&d->high, &d->low) != 0) return false;
        d->exponent++;
    }
    return true;
}

bool bx_decimal_fits(const bx_decimal *d, int precision)
{
    char digits[40];

    return (d->high == 0 && d->low == 0) || write_digits(d, digits) <= precision;
}
