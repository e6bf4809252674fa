/* BSON dates: milliseconds since 1970 UTC, to and from datetime objects. */
#ifndef BSONX_DATETIME_BSON_H
#define BSONX_DATETIME_BSON_H

#include "core/options.h"

/* What datetime can hold. */
#define BX_MIN_MILLIS INT64_C(-62135596800000) /* 0001-01-01T00:00:00.000Z */
#define BX_MAX_MILLIS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* What the messages about dates that datetime cannot hold end with. */
#define BX_DATETIME_HINT                                                                          \
    " (Consider Using CodecOptions(datetime_conversion=DATETIME_AUTO) or "                        \
    "MongoClient(datetime_conversion='DATETIME_AUTO')). See: "                                    \
    "https://www.mongodb.com/docs/languages/python/pymongo-driver/current/data-formats/"          \
    "dates-and-times/#handling-out-of-range-datetimes"

/* A timedelta: the parts but the days are not negative. */
typedef struct {
    int64_t days;
    int seconds, micros;
} bx_timedelta;

/* The parts of a timedelta; subclasses are asked for their attributes. -1 with an exception. */
int bx_timedelta_read(bx_state *st, PyObject *delta, bx_timedelta *parts);

/* A naive datetime of the attributes of `value`, a date or datetime of any class, at midnight
 * without its time: new reference, or NULL with an exception (ValueError for no such date). */
PyObject *bx_date_asked(bx_state *st, PyObject *value, bool with_time);

/* Milliseconds of a datetime: naive is UTC, aware is converted; microseconds are floored.
 * Subclasses are asked for their offset and attributes. -1 with an exception, theirs included. */
int bx_datetime_to_millis(bx_state *st, PyObject *datetime, int64_t *millis);

/* Whole seconds since 1970 UTC, as calendar.timegm(datetime.utctimetuple()). */
int bx_datetime_to_seconds(bx_state *st, PyObject *datetime, int64_t *seconds);

/* What the options make of a date: a datetime, clamped or not, or DatetimeMS. NULL with an
 * exception: ValueError, OverflowError or what the tzinfo raised. */
PyObject *bx_datetime_from_millis(bx_state *st, const bx_options *options, int64_t millis);

/* The same with another datetime_conversion than that of the options. */
PyObject *bx_datetime_converted(bx_state *st, const bx_options *options, int conversion,
                                int64_t millis);

/* An aware datetime in UTC, for the properties of ObjectId and Timestamp. */
PyObject *bx_datetime_utc(bx_state *st, int64_t millis);

#endif
