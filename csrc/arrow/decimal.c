/* Decimals of Arrow, which are integers with a scale, as Decimal128. */
#include "arrow/to_bson.h"

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
