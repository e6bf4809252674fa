/* BSON dates: the calendar, and the way to and from datetime objects. */
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

/* ---- what subclasses say of themselves ---- */

/* A subclass may keep its value elsewhere than in the fields of its base (pandas.Timestamp beyond
 * the year 9999, pandas.Timedelta by seconds, NaT): its attributes say what it is. */

/* `type` called with the attributes `names` of `value`: new reference, or NULL with an exception. */
static PyObject *from_attributes(PyTypeObject *type, PyObject *value, PyObject *const *names,
                                 Py_ssize_t count)
{
    PyObject *args = PyTuple_New(count);
    PyObject *made = NULL;
    Py_ssize_t i;

    for (i = 0; args != NULL && i < count; i++) {
        PyObject *attribute = PyObject_GetAttr(value, names[i]);

        if (attribute == NULL) break;
        PyTuple_SET_ITEM(args, i, attribute);
    }
    if (args != NULL && i == count) made = PyObject_Call((PyObject *)type, args, NULL);
    Py_XDECREF(args);
    return made;
}

PyObject *bx_date_asked(bx_state *st, PyObject *value, bool with_time)
{
    PyObject *names[] = {st->s_year,   st->s_month,  st->s_day,        st->s_hour,
                         st->s_minute, st->s_second, st->s_microsecond};

    return from_attributes(st->datetime->DateTimeType, value, names, with_time ? 7 : 3);
}

static int read_delta(PyObject *delta, bx_timedelta *parts)
{
    parts->days = PyDateTime_DELTA_GET_DAYS(delta);
    parts->seconds = PyDateTime_DELTA_GET_SECONDS(delta);
    parts->micros = PyDateTime_DELTA_GET_MICROSECONDS(delta);
    return 0;
}

int bx_timedelta_read(bx_state *st, PyObject *delta, bx_timedelta *parts)
{
    PyObject *names[] = {st->s_days, st->s_seconds, st->s_microseconds};

    if (Py_IS_TYPE(delta, st->datetime->DeltaType)) return read_delta(delta, parts);
    delta = from_attributes(st->datetime->DeltaType, delta, names, 3);
    if (delta == NULL) return -1;
    read_delta(delta, parts);
    Py_DECREF(delta);
    return 0;
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
    bx_timedelta parts;
    int status = 0;

    *micros = 0;
    if (offset == NULL) return -1;
    if (offset != Py_None) {
        if (!PyObject_TypeCheck(offset, st->datetime->DeltaType)) {
            PyErr_Format(PyExc_TypeError, "utcoffset() must return None or a timedelta, not %R",
                         Py_TYPE(offset));
            status = -1;
        } else {
            status = bx_timedelta_read(st, offset, &parts);
        }
        if (status == 0) {
            /* More days than datetime has, without overflow. */
            int64_t days = parts.days > 4000000 ? 4000000
                           : parts.days < -4000000 ? -4000000 : parts.days;

            *micros = (days * 86400 + parts.seconds) * 1000000 + parts.micros;
        }
    }
    Py_DECREF(offset);
    return status;
}

static int64_t floor_div(int64_t value, int64_t by)
{
    int64_t quotient = value / by;

    return value % by < 0 ? quotient - 1 : quotient;
}

/* The fields of an instance of a subclass, or of anything with the same attributes. */
static int asked_micros(bx_state *st, PyObject *value, int64_t *micros)
{
    PyObject *plain = bx_date_asked(st, value, true);

    if (plain == NULL) return -1;
    *micros = naive_micros(plain);
    Py_DECREF(plain);
    return 0;
}

static int utc_micros(bx_state *st, PyObject *datetime, int64_t *micros)
{
    int64_t offset = 0;

    if (BX_LIKELY(Py_IS_TYPE(datetime, st->datetime->DateTimeType))) {
        PyObject *tzinfo = PyDateTime_DATE_GET_TZINFO(datetime);

        *micros = naive_micros(datetime);
        if (tzinfo == Py_None || tzinfo == st->utc || tzinfo == st->datetime->TimeZone_UTC) {
            return 0;
        }
        if (utc_offset(st, datetime, &offset) < 0) return -1;
    } else if (utc_offset(st, datetime, &offset) < 0 ||
               asked_micros(st, datetime, micros) < 0) {
        return -1;
    }
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

/* The words of Python's own datetime, which are PyMongo's. */
#if PY_VERSION_HEX >= 0x030E0000
#define YEAR_OUT_OF_RANGE "year must be in 1..9999, not %lld"
#else
#define YEAR_OUT_OF_RANGE "year %lld is out of range"
#endif

static PyObject *raise_out_of_range(int64_t millis)
{
    /* The first second of the int64 range shows the year of the last: so does PyMongo. */
    int64_t shown = millis < INT64_MIN + 808 ? INT64_MAX : millis;
    int64_t year = date_from_days(floor_div(shown, MILLIS_PER_DAY)).year;

    PyErr_Format(PyExc_ValueError, YEAR_OUT_OF_RANGE BX_DATETIME_HINT, (long long)year);
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
