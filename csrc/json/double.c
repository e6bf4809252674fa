/* Doubles as the shortest decimal text that reads back as the same number, and back. */
#include "json/double.h"

#include "json/powers.h"
#include "json/text.h"

#define MANTISSA_BITS 52
#define EXPONENT_BIAS 1023
#define HIDDEN_BIT (UINT64_C(1) << MANTISSA_BITS)

typedef struct {
    uint64_t high, low;
} wide;

#if defined(__SIZEOF_INT128__)
BX_INLINE wide multiply(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (wide){(uint64_t)(product >> 64), (uint64_t)product};
}
#else
BX_INLINE wide multiply(uint64_t a, uint64_t b)
{
    uint64_t a1 = a >> 32, a0 = (uint32_t)a, b1 = b >> 32, b0 = (uint32_t)b;
    uint64_t low = a0 * b0, cross = a1 * b0 + (low >> 32), other = a0 * b1 + (uint32_t)cross;
    wide product = {a1 * b1 + (cross >> 32) + (other >> 32), other << 32 | (uint32_t)low};

    return product;
}
#endif

/* ---- reading: the algorithm of Eisel and Lemire ---- */

/* The product of the digits, shifted to the top, with the power: 64 bits of the power are enough
 * unless what they leave out could carry into the bits that count. */
static wide scaled_digits(uint64_t digits, int exponent)
{
    const uint64_t *power = BX_POWERS[exponent - BX_FIRST_POWER];
    uint64_t low = power[1];
    wide product = multiply(digits, power[0]);
    uint64_t more;

    if ((product.high & 0x1FF) != 0x1FF) return product;
    if (exponent < 0 && exponent >= -27) low++; /* rounded up, the tie test below is exact */
    more = multiply(digits, low).high;
    product.low += more;
    product.high += product.low < more;
    return product;
}

bool bx_double_read(uint64_t digits, int exponent, double *value)
{
    int zeros, top, shift, power;
    uint64_t mantissa, bits;
    wide product;

    if (digits == 0) {
        *value = 0;
        return true;
    }
    if (exponent < BX_FIRST_POWER || exponent > 308) return false;
    zeros = bx_clz64(digits);
    product = scaled_digits(digits << zeros, exponent);
    if (product.low == UINT64_MAX && (exponent < -27 || exponent > 55)) return false;
    top = (int)(product.high >> 63);
    shift = top + 64 - MANTISSA_BITS - 3;
    mantissa = product.high >> shift; /* one bit more than fits, to round by */
    power = ((217706 * exponent) >> 16) + 63 + top - zeros + EXPONENT_BIAS;
    if (power <= 0) return false;
    if (product.low <= 1 && exponent >= -4 && exponent <= 23 && (mantissa & 3) == 1 &&
        mantissa << shift == product.high) {
        mantissa &= ~UINT64_C(1); /* exactly half way: to even */
    }
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    if (mantissa >= HIDDEN_BIT << 1) {
        mantissa = HIDDEN_BIT;
        power++;
    }
    if (power >= 2 * EXPONENT_BIAS + 1) return false;
    bits = (uint64_t)power << MANTISSA_BITS | (mantissa & (HIDDEN_BIT - 1));
    memcpy(value, &bits, sizeof bits);
    return true;
}

/* ---- writing: the algorithm of Giulietti (Schubfach) ---- */

typedef struct {
    uint64_t digits;
    int exponent; /* of ten */
} decimal;

/* The power times a number, rounded to odd: the last bit says whether something was cut off. */
static uint64_t round_to_odd(wide power, uint64_t number)
{
    wide product = multiply(power.high, number);
    uint64_t carry = multiply(power.low, number).high;

    product.low += carry;
    product.high += product.low < carry;
    return product.high | (product.low > 1);
}

/* 10^exponent rounded up to 128 bits. */
static wide power_above(int exponent)
{
    const uint64_t *power = BX_POWERS[exponent - BX_FIRST_POWER];
    wide result = {power[0], power[1]};

    if (exponent < 0 || exponent > 55) result.high += ++result.low == 0;
    return result;
}

/* The shortest decimal between the neighbours' midpoints of mantissa * 2^exponent, the nearest one
 * of those. `lopsided`: the neighbour below is half as far. All is counted in quarters. */
static decimal shortest(uint64_t mantissa, int exponent, bool lopsided)
{
    bool odd = mantissa & 1; /* midpoints round to even: they belong to even numbers */
    int k = (exponent * 1262611 - (lopsided ? 524031 : 0)) >> 22;
    int shift = exponent + ((-k * 1741647) >> 19) + 1;
    wide power = power_above(-k);
    uint64_t middle = 4 * mantissa;
    uint64_t low = round_to_odd(power, (middle - 2 + lopsided) << shift) + odd;
    uint64_t exact = round_to_odd(power, middle << shift);
    uint64_t high = round_to_odd(power, (middle + 2) << shift) - odd;
    uint64_t whole = exact / 4;
    bool below, above;

    if (whole >= 10) {
        uint64_t tens = whole / 10;

        below = low <= 40 * tens;
        above = 40 * tens + 40 <= high;
        if (below != above) return (decimal){tens + above, k + 1};
    }
    below = low <= 4 * whole;
    above = 4 * whole + 4 <= high;
    if (below == above) above = exact > 4 * whole + 2 || (exact == 4 * whole + 2 && (whole & 1));
    return (decimal){whole + above, k};
}

static int count_digits(uint64_t v)
{
    int n = 1;

    for (; v >= 10; v /= 10) n++;
    return n;
}

/* d.ddde+XX */
static uint8_t *write_scientific(uint8_t *p, uint64_t digits, int count, int exponent)
{
    uint8_t *end = bx_json_write_int(p + 1, (int64_t)digits);

    p[0] = p[1];
    if (count > 1) {
        p[1] = '.';
        p = end;
    } else {
        p += 1;
    }
    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    if (exponent < 0) exponent = -exponent;
    if (exponent >= 100) return bx_json_write_digits3(p, (unsigned)exponent);
    return bx_json_write_digits2(p, (unsigned)exponent);
}

/* `point` digits stand before the point: -3 to 16. */
static uint8_t *write_fixed(uint8_t *p, uint64_t digits, int count, int point)
{
    uint8_t *end;

    if (point <= 0) {
        memcpy(p, "0.000", 5);
        return bx_json_write_int(p + 2 - point, (int64_t)digits);
    }
    if (point >= count) {
        p = bx_json_write_int(p, (int64_t)digits);
        for (; count < point; count++) *p++ = '0';
        memcpy(p, ".0", 2);
        return p + 2;
    }
    end = bx_json_write_int(p, (int64_t)digits);
    memmove(p + point + 1, p + point, (size_t)(count - point));
    p[point] = '.';
    return end + 1;
}

uint8_t *bx_double_write(uint8_t *p, double value)
{
    uint64_t bits, fraction;
    int biased, count, point;
    decimal d;

    memcpy(&bits, &value, sizeof bits);
    if (bits >> 63) *p++ = '-';
    value = value < 0 ? -value : value;
    if (value < 1e15 && value == (double)(int64_t)value) {
        p = bx_json_write_int(p, (int64_t)value);
        memcpy(p, ".0", 2);
        return p + 2;
    }
    fraction = bits & (HIDDEN_BIT - 1);
    biased = (int)(bits >> MANTISSA_BITS & 0x7FF);
    if (biased == 0) { /* subnormal: zero is written already */
        d = shortest(fraction, 1 - EXPONENT_BIAS - MANTISSA_BITS, false);
    } else {
        d = shortest(fraction | HIDDEN_BIT, biased - EXPONENT_BIAS - MANTISSA_BITS,
                     fraction == 0 && biased > 1);
    }
    while (d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    count = count_digits(d.digits);
    point = count + d.exponent;
    if (point > -4 && point <= 16) return write_fixed(p, d.digits, count, point);
    return write_scientific(p, d.digits, count, point - 1);
}
