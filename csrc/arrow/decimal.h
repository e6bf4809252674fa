/* Decimals: an integer of 128 bits with an exponent, and the 16 bytes of a Decimal128. */
#ifndef BSONX_ARROW_DECIMAL_H
#define BSONX_ARROW_DECIMAL_H

#include "core/common.h"

typedef struct {
    uint64_t high, low; /* the coefficient */
    bool negative;
    int exponent;
} bx_decimal;

typedef enum { BX_DECIMAL_FINITE, BX_DECIMAL_INFINITY, BX_DECIMAL_NAN } bx_decimal_class;

/* An unsigned coefficient of 128 bits with an exponent as the 16 bytes of a Decimal128; false if it
 * has more than 34 digits that count. */
bool bx_decimal_to_bid(uint64_t high, uint64_t low, bool negative, int exponent, uint8_t *out);

/* What 16 bytes of a Decimal128 are. */
bx_decimal_class bx_decimal_from_bid(const uint8_t *bid, bx_decimal *out);

/* The text of a Decimal128, which bsonx.Decimal128 has for it; its size, of BX_DECIMAL_TEXT at
 * most. */
#define BX_DECIMAL_TEXT 64
size_t bx_decimal_text(const uint8_t *bid, char *out);

/* Give it the exponent -scale; false if its value would be another. */
bool bx_decimal_scale(bx_decimal *d, int scale);

/* Whether it has no more digits. */
bool bx_decimal_fits(const bx_decimal *d, int precision);

#endif
