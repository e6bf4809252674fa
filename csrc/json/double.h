/* Doubles to their shortest decimal form and back. */
#ifndef BSONX_JSON_DOUBLE_H
#define BSONX_JSON_DOUBLE_H

#include "core/common.h"

/* Write a finite double as repr() does, in at most 25 bytes; the new end. */
uint8_t *bx_double_write(uint8_t *p, double value);

/* The double nearest to digits * 10^exponent; false in the few cases that take more than 128 bits
 * to decide, for subnormal numbers and for those that are too large. */
bool bx_double_read(uint64_t digits, int exponent, double *value);

#endif
