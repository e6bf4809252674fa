/* From the text of one field to a value in BSON. */
#ifndef BSONX_CSV_VALUES_H
#define BSONX_CSV_VALUES_H

#include "csv/plan.h"

/* What became of a text. */
typedef enum {
    BX_VALUE_INT,
    BX_VALUE_DOUBLE,
    BX_VALUE_BOOL,
    BX_VALUE_DATE,     /* milliseconds, in `integer` */
    BX_VALUE_DECIMAL,  /* two words, in `words`: low, high */
    BX_VALUE_OBJECTID, /* 12 bytes */
    BX_VALUE_TEXT,     /* it stays what it is */
    BX_VALUE_SLOW,     /* Python is to say what it is */
    BX_VALUE_BAD       /* it does not fit */
} bx_csv_value_kind;

typedef struct {
    bx_csv_value_kind kind;
    union {
        int64_t integer;
        double number;
        uint64_t words[2];
        uint8_t bytes[12];
    } is;
} bx_csv_value;

/* The value of text in a column of a kind that is neither text nor left out. `bare` is the text
 * without the blanks around it; `point` is what stands in front of the fraction of a number. */
void bx_csv_convert(bx_csv_kind kind, const uint8_t *bare, size_t size, uint8_t point,
                    bx_csv_value *value);

/* Milliseconds of a date in a plain form: 1, 0 for no such date, -1 for another form, -2 where that
 * takes more than 64 bits on the way. */
int bx_csv_date(const uint8_t *text, size_t size, int64_t *millis);

#endif
