#include "core/datetime_bson.h"

#include "types/types.h"

#define MILLIS_PER_DAY INT64_C(86400000)

/* ---- the calendar ---- */

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar, years 1 to 9999. The year is
 * taken to begin in March, so that the leap day is its last day. */
static int64_t days_from_date(int year, int month, int day)
{
    unsigned y = (unsigned)year - (month <= 2);
    unsigned era = y / 400;
    unsigned year_of_era = y - era * 400;
    unsigned day_of_year =
        (153 * ((unsigned)month + (month > 2 ? -3u : 9u)) + 2) / 5 + (unsigned)day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return (int64_t)era * 146097 + day_of_era - 719468;
}

typedef struct {
    int64_t year;
    int month, day;
} date_parts;

static date_parts date_from_days(int64_t days)
{
    date_parts d;
    int64_t era;
    unsigned day_of_era, year_of_era, day_of_year, shifted_month;

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    day_of_era = (unsigned)(days - era * 146097);
    year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    shifted_month = (5 * day_of_year + 2) / 153;
    d.day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    d.month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    d.year = (int64_t)year_of_era + era * 400 + (d.month <= 2);
    return d;
}

/* ---- to milliseconds ---- */

static int64_t naive_micros(PyObject *datetime)
{
    int64_t days = days_from_date(PyDateTime_GET_YEAR(datetime), PyDateTime_GET_MONTH(datetime),
                                  PyDateTime_GET_DAY(datetime));
    int64_t seconds = PyDateTime_DATE_GET_HOUR(datetime) * 3600 +
                      PyDateTime_DATE_GET_MINUTE(datetime) * 60 +
                      PyDateTime_DATE_GET_SECOND(datetime);

    return (days * 86400 + seconds) * 1000000 + PyDateTime_DATE_GET_MICROSECOND(datetime);
}

/* The UTC offset in microseconds; 0 for None. */
static int utc_offset(bx_state *st, PyObject *datetime, int64_t *micros)
{
    PyObject *offset = PyObject_CallMethodNoArgs(datetime, st->s_utcoffset);

    *micros = 0;
    if (offset == NULL) return -1;
    if (offset != Py_None) {
        if (!PyObject_TypeCheck(offset, st->datetime->DeltaType)) {
            PyErr_Format(PyExc_TypeError, "utcoffset() must return None or a timedelta, not %R",
                         Py_TYPE(offset));
            Py_DECREF(offset);
            return -1;
        }
        *micros = ((int64_t)PyDateTime_DELTA_GET_DAYS(offset) * 86400 +
                   PyDateTime_DELTA_GET_SECONDS(offset)) * 1000000 +
                  PyDateTime_DELTA_GET_MICROSECONDS(offset);
    }
    Py_DECREF(offset);
    return 0;
}

static int64_t floor_div(int64_t value, int64_t by)
{
    int64_t quotient = value / by;

    return value % by < 0 ? quotient - 1 : quotient;
}

static int utc_micros(bx_state *st, PyObject *datetime, int64_t *micros)
{
    PyObject *tzinfo = PyDateTime_DATE_GET_TZINFO(datetime);
    int64_t offset = 0;

    *micros = naive_micros(datetime);
    if (tzinfo == Py_None || tzinfo == st->utc || tzinfo == st->datetime->TimeZone_UTC) return 0;
    if (utc_offset(st, datetime, &offset) < 0) return -1;
    *micros -= offset;
    if (*micros < BX_MIN_MILLIS * 1000 || *micros > BX_MAX_MILLIS * 1000 + 999) {
        PyErr_SetString(PyExc_OverflowError, "date value out of range");
        return -1;
    }
    return 0;
}

int bx_datetime_to_millis(bx_state *st, PyObject *datetime, int64_t *millis)
{
    int64_t micros;

    if (utc_micros(st, datetime, &micros) < 0) return -1;
    *millis = floor_div(micros, 1000);
    return 0;
}

int bx_datetime_to_seconds(bx_state *st, PyObject *datetime, int64_t *seconds)
{
    int64_t micros;

    if (utc_micros(st, datetime, &micros) < 0) return -1;
    *seconds = floor_div(micros, 1000000);
    return 0;
}

/* ---- from milliseconds ---- */

static PyObject *build(bx_state *st, int64_t millis, PyObject *tzinfo)
{
    int64_t days = floor_div(millis, MILLIS_PER_DAY);
    int rest = (int)(millis - days * MILLIS_PER_DAY);
    date_parts d = date_from_days(days);

    return st->datetime->DateTime_FromDateAndTime(
        (int)d.year, d.month, d.day, rest / 3600000, rest / 60000 % 60, rest / 1000 % 60,
        rest % 1000 * 1000, tzinfo, st->datetime->DateTimeType);
}

PyObject *bx_datetime_utc(bx_state *st, int64_t millis)
{
    return build(st, millis, st->utc);
}

static PyObject *raise_out_of_range(int64_t millis)
{
    /* The first second of the int64 range shows the year of the last: so does PyMongo. */
    int64_t shown = millis < INT64_MIN + 808 ? INT64_MAX : millis;
    int64_t year = date_from_days(floor_div(shown, MILLIS_PER_DAY)).year;

    PyErr_Format(PyExc_ValueError, "year %lld is out of range" BX_DATETIME_HINT, (long long)year);
    return NULL;
}

static PyObject *convert_zone(bx_state *st, PyObject *utc, PyObject *tzinfo)
{
    PyObject *local = PyObject_CallMethodOneArg(utc, st->s_astimezone, tzinfo);

    Py_DECREF(utc);
    return local;
}

/* A date that is in range in UTC but not in the zone. */
static PyObject *outside_zone(bx_state *st, const bx_options *options, int conversion,
                              int64_t millis)
{
    if (!PyErr_ExceptionMatches(PyExc_OverflowError)) return NULL;
    if (conversion == BX_DATETIME_CLAMP) {
        PyErr_Clear();
        return build(st, millis < 0 ? BX_MIN_MILLIS : BX_MAX_MILLIS, options->tzinfo);
    }
    if (conversion == BX_DATETIME_AUTO) {
        PyErr_Clear();
        return bx_datetime_ms_new(st, millis);
    }
    return NULL;
}

static BX_NOINLINE PyObject *build_in_zone(bx_state *st, const bx_options *options,
                                           int conversion, int64_t millis)
{
    PyObject *utc = build(st, millis, st->utc);
    PyObject *local;

    if (utc == NULL) return NULL;
    local = convert_zone(st, utc, options->tzinfo);
    return local != NULL ? local : outside_zone(st, options, conversion, millis);
}

PyObject *bx_datetime_converted(bx_state *st, const bx_options *options, int conversion,
                                int64_t millis)
{
    if (BX_UNLIKELY(conversion == BX_DATETIME_MS)) return bx_datetime_ms_new(st, millis);
    if (BX_UNLIKELY(millis < BX_MIN_MILLIS || millis > BX_MAX_MILLIS)) {
        if (conversion == BX_DATETIME_AUTO) return bx_datetime_ms_new(st, millis);
        if (conversion != BX_DATETIME_CLAMP) return raise_out_of_range(millis);
        millis = millis < 0 ? BX_MIN_MILLIS : BX_MAX_MILLIS;
    }
    if (!options->tz_aware) return build(st, millis, Py_None);
    if (options->tzinfo == NULL) return build(st, millis, st->utc);
    return build_in_zone(st, options, conversion, millis);
}

PyObject *bx_datetime_from_millis(bx_state *st, const bx_options *options, int64_t millis)
{
    return bx_datetime_converted(st, options, options->datetime_conversion, millis);
}
