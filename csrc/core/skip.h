/* Stepping over elements without decoding them. */
#ifndef BSONX_SKIP_H
#define BSONX_SKIP_H

#include "core/common.h"

/* What stands at a position of a document. */
typedef struct {
    const uint8_t *element; /* the type byte */
    const uint8_t *name;
    const uint8_t *value;
    const uint8_t *next; /* behind the value */
} bx_element;

/* How the size of a value is told: it is `extra` bytes and, if `counted`, what its first four bytes
 * say. */
typedef struct {
    uint8_t extra;
    uint8_t least; /* a smaller size is damage */
    bool counted;
    bool known; /* false for regular expressions, which end at their second NUL, and unknown types */
} bx_layout;

extern const bx_layout bx_layouts[256]; /* by element type */

/* Whether the specification has an element type of this code. */
BX_INLINE bool bx_is_known_type(uint8_t type)
{
    return bx_layouts[type].known || type == BX_REGEX;
}

typedef enum { BX_SKIP_OK, BX_SKIP_NAME, BX_SKIP_TYPE, BX_SKIP_VALUE } bx_skip_status;

/* The element at `p` of a document whose elements end at `end`. What is not BX_SKIP_OK says what is
 * wrong: the name has no end, the type is unknown, the value does not fit. */
bx_skip_status bx_skip(const uint8_t *p, const uint8_t *end, bx_element *out);

/* Behind the value at `p`; NULL if it does not end by `end`. Only for types that are known. */
const uint8_t *bx_value_end(uint8_t type, const uint8_t *p, const uint8_t *end);

#endif
