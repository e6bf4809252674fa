#include "json/iso_date.h"

/* Exactly `n` digits; -1 for other text. */
static int read_digits(const uint8_t *p, int n)
{
    int value = 0;

    for (int i = 0; i < n; i++) {
        if (!bx_is_digit(p[i])) return -1;
        value = value * 10 + (p[i] - '0');
    }
    return value;
}

static int days_in_month(int year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool read_fields(const uint8_t *p, bx_iso_date *f)
{
    if (p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':' || p[16] != ':') return false;
    f->year = read_digits(p, 4);
    f->month = read_digits(p + 5, 2);
    f->day = read_digits(p + 8, 2);
    f->hour = read_digits(p + 11, 2);
    f->minute = read_digits(p + 14, 2);
    f->second = read_digits(p + 17, 2);
    return f->year >= 1 && f->month >= 1 && f->month <= 12 && f->day >= 1 &&
           f->day <= days_in_month(f->year, f->month) && f->hour >= 0 && f->hour <= 23 &&
           f->minute >= 0 && f->minute <= 59 && f->second >= 0 && f->second <= 59;
}

/* A fraction of a second at *i, from its dot on. */
static bool read_fraction(bx_json_span span, size_t *i, bx_iso_date *f)
{
    double digits = 0, power = 1;
    size_t first = *i + 1, k = first;

    f->micros = 0;
    if (*i == span.size || span.text[*i] != '.') return true;
    for (; k < span.size && bx_is_digit(span.text[k]); k++) {
        digits = digits * 10 + (span.text[k] - '0');
        power *= 10;
    }
    if (k == first || k - first > 15) return false;
    f->micros = (int)(digits / power * 1000000);
    *i = k;
    return true;
}

static bool read_offset(const uint8_t *p, size_t size, bx_iso_date *f)
{
    int hours, minutes = 0;

    f->offset = 0;
    if (size == 0 || (size == 1 && *p == 'Z')) return true;
    if ((*p != '+' && *p != '-') || (size != 3 && size != 5 && size != 6)) return false;
    if (size == 6 && p[3] != ':') return false;
    hours = read_digits(p + 1, 2);
    if (size > 3) minutes = read_digits(p + size - 2, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
    f->offset = (hours * 60 + minutes) * (*p == '-' ? -1 : 1);
    return true;
}

bool bx_iso_date_read(bx_json_span span, bx_iso_date *date)
{
    size_t i = 19;

    return span.size >= 19 && read_fields(span.text, date) && read_fraction(span, &i, date) &&
           read_offset(span.text + i, span.size - i, date);
}

/* Days since 1970 in the proleptic Gregorian calendar, counted in years that begin in March. */
static int64_t days_from_date(const bx_iso_date *d)
{
    int64_t year = d->month <= 2 ? d->year - 1 : d->year;
    int64_t era = year / 400;
    int64_t of_era = year - era * 400;
    int64_t day = (153 * (d->month + (d->month > 2 ? -3 : 9)) + 2) / 5 + d->day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + day - 719468;
}

int64_t bx_iso_date_millis(const bx_iso_date *date)
{
    int64_t minutes = days_from_date(date) * 1440 + date->hour * 60 + date->minute - date->offset;

    return (minutes * 60 + date->second) * 1000 + date->micros / 1000;
}
