/* CSV text cut into rows and fields. */
#ifndef BSONX_CSV_ROWS_H
#define BSONX_CSV_ROWS_H

#include "csv/plan.h"

typedef struct {
    const uint8_t *text; /* without the quotes around it */
    size_t size;
    bool doubled; /* it has quotes that are doubled */
} bx_csv_field;

typedef enum {
    BX_ROW_GOOD,
    BX_ROW_EMPTY,     /* nothing in it */
    BX_ROW_BAD,       /* no CSV, or another number of fields */
    BX_ROW_INCOMPLETE /* it, or the line with its fault, goes on behind the text */
} bx_csv_row;

/* Cut the row that begins at `start` into `fields`, of which there is room for those of the plan.
 * `end` is behind the text, where a NUL stands; `at_end` says whether nothing follows. *stop is
 * behind the row, or the bad part of it; *lines is how many lines that is. */
bx_csv_row bx_csv_cut(const bx_csv_plan *plan, const uint8_t *start, const uint8_t *end, bool at_end,
                      bx_csv_field *fields, const uint8_t **stop, int64_t *lines);

BX_INLINE bool bx_csv_is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

#endif
