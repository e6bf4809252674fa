/* Decimal128 to its text and back, in binary integer decimal encoding (IEEE 754-2008). */
#ifndef BSONX_JSON_DECIMAL_H
#define BSONX_JSON_DECIMAL_H

#include "json/cursor.h"

#define BX_DECIMAL_TEXT 48 /* more than any number takes */

/* Read a finite number that is stored as it is written; false for all other text, of which some is
 * a number too. */
bool bx_decimal_read(bx_json_span text, uint64_t *high, uint64_t *low);

/* Write the text of a number as str() does, in at most BX_DECIMAL_TEXT bytes; the new end. */
uint8_t *bx_decimal_write(uint8_t *p, uint64_t high, uint64_t low);

#endif
