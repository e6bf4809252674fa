/* Dates as bsonx._py.csv.values has them in PLAIN_DATE. */
#include "csv/values.h"

#include "json/iso_date.h"

#define MOST_MINUTES INT64_C(150000000000000) /* times 60,000 that fits in 64 bits */

typedef struct {
    const uint8_t *p, *end;
} reader;

/* Exactly `n` digits. */
static bool take_digits(reader *r, int n, int *value)
{
    int number = 0;

    if (r->end - r->p < n) return false;
    for (int i = 0; i < n; i++) {
        if (!bx_is_digit(r->p[i])) return false;
        number = number * 10 + (r->p[i] - '0');
    }
    r->p += n;
    *value = number;
    return true;
}

static bool take(reader *r, uint8_t c)
{
    if (r->p == r->end || *r->p != c) return false;
    r->p++;
    return true;
}

/* Four digits, or a sign and up to nine. */
static bool take_year(reader *r, int *year)
{
    bool negative = r->p < r->end && *r->p == '-';
    int digits = 4;

    if (!negative && !(r->p < r->end && *r->p == '+')) return take_digits(r, 4, year);
    r->p++;
    while (digits < 9 && r->end - r->p > digits && bx_is_digit(r->p[digits])) digits++;
    if (!take_digits(r, digits, year)) return false;
    if (negative) *year = -*year;
    return true;
}

/* A fraction of a second: up to three digits, and zeros. */
static bool take_fraction(reader *r, int *millis)
{
    static const int scale[] = {0, 100, 10, 1};
    int digits = 0, value = 0;

    *millis = 0;
    if (r->p == r->end || (*r->p != '.' && *r->p != ',')) return true;
    r->p++;
    while (digits < 3 && r->p < r->end && bx_is_digit(*r->p)) {
        value = value * 10 + (*r->p++ - '0');
        digits++;
    }
    if (digits == 0) return false;
    *millis = value * scale[digits];
    while (r->p < r->end && *r->p == '0') r->p++;
    return true;
}

/* Minutes east of UTC; *good is false where there are not so many. */
static bool take_offset(reader *r, int *offset, bool *good)
{
    bool negative;
    int hours, minutes;

    *offset = 0;
    if (r->p == r->end || take(r, 'Z')) return true;
    negative = *r->p == '-';
    if (!negative && *r->p != '+') return false;
    r->p++;
    if (!take_digits(r, 2, &hours)) return false;
    (void)take(r, ':');
    if (!take_digits(r, 2, &minutes)) return false;
    *good = hours <= 23 && minutes <= 59;
    *offset = (hours * 60 + minutes) * (negative ? -1 : 1);
    return true;
}

static bool take_time(reader *r, bx_iso_date *date, int *millis, bool *good)
{
    if (!take_digits(r, 2, &date->hour) || !take(r, ':') || !take_digits(r, 2, &date->minute)) {
        return false;
    }
    if (take(r, ':') && !(take_digits(r, 2, &date->second) && take_fraction(r, millis))) return false;
    if (!take_offset(r, &date->offset, good)) return false;
    *good = *good && date->hour <= 23 && date->minute <= 59 && date->second <= 59;
    return true;
}

static bool is_day(const bx_iso_date *d)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;

    if (d->month < 1 || d->month > 12 || d->day < 1) return false;
    return d->day <= (d->month == 2 && leap ? 29 : days[d->month - 1]);
}

int bx_csv_date(const uint8_t *text, size_t size, int64_t *millis)
{
    reader r = {text, text + size};
    bx_iso_date date = {0, 0, 0, 0, 0, 0, 0, 0};
    int64_t eras, in_era;
    int fraction = 0;
    bool good = true;

    if (!take_year(&r, &date.year) || !take(&r, '-') || !take_digits(&r, 2, &date.month) ||
        !take(&r, '-') || !take_digits(&r, 2, &date.day)) {
        return -1;
    }
    if ((take(&r, 'T') || take(&r, ' ')) && !take_time(&r, &date, &fraction, &good)) return -1;
    if (r.p != r.end) return -1;
    if (!good || !is_day(&date)) return 0;
    /* The calendar repeats itself every 400 years. */
    eras = date.year / 400 - (date.year % 400 < 0);
    date.year -= (int)(eras * 400);
    date.year += 400;
    in_era = bx_iso_date_millis(&date);
    if (eras > MOST_MINUTES / (146097 * 1440) || eras < -MOST_MINUTES / (146097 * 1440)) return -2;
    *millis = (eras - 1) * INT64_C(146097) * 86400000 + in_era + fraction;
    return 1;
}
