/* Dates of RFC 3339 in JSON text. */
#ifndef BSONX_JSON_ISO_DATE_H
#define BSONX_JSON_ISO_DATE_H

#include "json/cursor.h"

typedef struct {
    int year, month, day, hour, minute, second, micros;
    int offset; /* minutes east of UTC */
} bx_iso_date;

/* Read "YYYY-MM-DDTHH:MM:SS", a fraction or none, and nothing, "Z", +HH:MM, +HHMM or +HH; false for
 * other text and for what is no date. A fraction is cut off as int(float(text) * 1000000) does. */
bool bx_iso_date_read(bx_json_span span, bx_iso_date *date);

/* Milliseconds since 1970 UTC. */
int64_t bx_iso_date_millis(const bx_iso_date *date);

#endif
