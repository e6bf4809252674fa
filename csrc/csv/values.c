/* As bsonx._py.csv.values does it; what is rare is left to it. */
#include "csv/values.h"

#include "json/decimal.h"
#include "json/number.h"

#define EXACT_DIGITS 15 /* a double holds that many */

/* What text is as a number. */
typedef struct {
    bx_number n;
    int digits;   /* of an integer: all of them */
    bool integer; /* a sign or none, and digits */
    bool plain;   /* no zero in front of others */
    bool whole;   /* it is a number to its end */
} number;

/* Digits as far as `end`: behind the text a delimiter may stand that is a digit. */
static const uint8_t *take_digits(const uint8_t *p, const uint8_t *end, bx_number *n)
{
    for (; p < end && bx_is_digit(*p); p++) {
        if (BX_UNLIKELY(n->digits >= 19)) {
            if (n->digits < BX_MANY_DIGITS) n->digits++;
            continue;
        }
        n->mantissa = n->mantissa * 10 + (uint64_t)(*p - '0');
        n->digits += n->mantissa != 0;
    }
    return p;
}

static const uint8_t *take_exponent(const uint8_t *p, const uint8_t *end, bx_number *n)
{
    const uint8_t *q = p + 1;
    bool negative = q < end && *q == '-';
    int exponent = 0;

    if (q < end && (*q == '-' || *q == '+')) q++;
    if (q == end || !bx_is_digit(*q)) return p;
    for (; q < end && bx_is_digit(*q); q++) {
        if (exponent < BX_MANY_DIGITS) exponent = exponent * 10 + (*q - '0');
    }
    n->exponent += negative ? -exponent : exponent;
    return q;
}

static void scan(const uint8_t *p, size_t size, uint8_t mark, number *out)
{
    const uint8_t *end = p + size, *first;
    bx_number *n = &out->n;
    bool any;

    n->mantissa = 0;
    n->digits = 0;
    n->exponent = 0;
    n->is_double = false;
    n->negative = size > 0 && *p == '-';
    if (size > 0 && (*p == '-' || *p == '+')) p++;
    first = p;
    p = take_digits(p, end, n);
    out->digits = (int)(p - first);
    out->plain = out->digits <= 1 || *first != '0';
    out->integer = any = out->digits > 0;
    if (p < end && *p == mark) {
        const uint8_t *point = p + 1;

        p = take_digits(point, end, n);
        any = any || p > point;
        n->exponent = p - point > BX_MANY_DIGITS ? -BX_MANY_DIGITS : -(int)(p - point);
        out->integer = false;
    }
    if (any && p < end && (*p == 'e' || *p == 'E')) {
        p = take_exponent(p, end, n);
        out->integer = false;
    }
    out->whole = any && p == end;
}

static bool is_word(const uint8_t *p, size_t size, double *value)
{
    static const struct {
        const char *text;
        uint8_t size;
        bool nan;
    } words[] = {{"NaN", 3, true},  {"nan", 3, true},  {"NAN", 3, true},       {"Inf", 3, false},
                 {"inf", 3, false}, {"INF", 3, false}, {"Infinity", 8, false}, {"infinity", 8, false}};
    bool negative = size > 0 && *p == '-';

    if (size > 0 && (*p == '-' || *p == '+')) {
        p++;
        size--;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (words[i].size == size && memcmp(words[i].text, p, size) == 0) {
            double v = words[i].nan ? (double)NAN : (double)INFINITY;

            *value = copysign(v, negative ? -1.0 : 1.0);
            return true;
        }
    }
    return false;
}

static void set_int(bx_csv_value *value, const number *n)
{
    if (bx_with_sign(n->n.mantissa, n->n.negative, &value->is.integer)) {
        value->kind = BX_VALUE_INT;
    } else {
        value->kind = BX_VALUE_SLOW;
    }
}

static void set_double(bx_csv_value *value, const number *n)
{
    bool known = bx_number_as_double(&n->n, &value->is.number);

    value->kind = known && !bx_is_lost(&n->n, value->is.number) ? BX_VALUE_DOUBLE : BX_VALUE_SLOW;
}

static void convert_int(const uint8_t *p, size_t size, uint8_t point, bx_csv_value *value)
{
    number n;

    scan(p, size, point, &n);
    if (!n.whole || !n.integer) {
        value->kind = BX_VALUE_BAD;
    } else if (n.digits > 18) {
        value->kind = BX_VALUE_SLOW;
    } else {
        set_int(value, &n);
    }
}

static void convert_float(const uint8_t *p, size_t size, uint8_t point, bx_csv_value *value)
{
    number n;

    scan(p, size, point, &n);
    if (n.whole) {
        set_double(value, &n);
    } else if (is_word(p, size, &value->is.number)) {
        value->kind = BX_VALUE_DOUBLE;
    } else {
        value->kind = BX_VALUE_SLOW; /* Python knows more ways to write a number */
    }
}

/* `most`: digits of an integer that becomes a double; -1: none does. */
static void guess_number(const uint8_t *p, size_t size, uint8_t point, int most,
                         bx_csv_value *value)
{
    number n;

    scan(p, size, point, &n);
    if (!n.whole || !n.plain) {
        value->kind = is_word(p, size, &value->is.number) ? BX_VALUE_DOUBLE : BX_VALUE_TEXT;
    } else if (n.integer && n.digits > most && !(n.n.mantissa == 0 && n.n.negative)) {
        if (n.digits > 18) {
            value->kind = BX_VALUE_SLOW;
        } else {
            set_int(value, &n);
        }
    } else {
        set_double(value, &n);
    }
}

static bool is_like(const uint8_t *p, size_t size, const char *word)
{
    size_t i = 0;

    for (; i < size && word[i] != 0; i++) {
        uint8_t c = p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 0x20 : p[i];

        if (c != (uint8_t)word[i]) return false;
    }
    return i == size && word[i] == 0;
}

static void set_truth(const uint8_t *p, size_t size, bool plain, bx_csv_value *value)
{
    static const char *const words[] = {"true", "false", "t", "f", "yes", "no", "y", "n", "1", "0"};
    size_t count = plain ? 2 : sizeof words / sizeof *words;

    value->kind = plain ? BX_VALUE_TEXT : BX_VALUE_BAD;
    for (size_t i = 0; i < count; i++) {
        if (is_like(p, size, words[i])) {
            value->kind = BX_VALUE_BOOL;
            value->is.integer = i % 2 == 0;
            return;
        }
    }
}

static void set_date(const uint8_t *p, size_t size, bool guessed, bx_csv_value *value)
{
    switch (bx_csv_date(p, size, &value->is.integer)) {
    case 1: value->kind = BX_VALUE_DATE; break;
    case 0: value->kind = guessed ? BX_VALUE_TEXT : BX_VALUE_BAD; break;
    case -1: value->kind = guessed ? BX_VALUE_TEXT : BX_VALUE_SLOW; break;
    default: value->kind = BX_VALUE_SLOW; break;
    }
}

static void set_decimal(const uint8_t *p, size_t size, uint8_t point, bx_csv_value *value)
{
    bx_json_span span = {p, size};

    bool known = point == '.' && bx_decimal_read(span, &value->is.words[1], &value->is.words[0]);

    value->kind = known ? BX_VALUE_DECIMAL : BX_VALUE_SLOW;
}

void bx_csv_convert(bx_csv_kind kind, const uint8_t *bare, size_t size, uint8_t point,
                    bx_csv_value *value)
{
    switch (kind) {
    case BX_CSV_INT: convert_int(bare, size, point, value); break;
    case BX_CSV_FLOAT: convert_float(bare, size, point, value); break;
    case BX_CSV_DECIMAL: set_decimal(bare, size, point, value); break;
    case BX_CSV_BOOL: set_truth(bare, size, false, value); break;
    case BX_CSV_DATE: set_date(bare, size, false, value); break;
    case BX_CSV_OBJECTID:
        value->kind =
            size == 24 && bx_hex_read(value->is.bytes, bare, 12) ? BX_VALUE_OBJECTID : BX_VALUE_SLOW;
        break;
    case BX_CSV_GUESSED_INT: guess_number(bare, size, point, -1, value); break;
    case BX_CSV_GUESSED_FLOAT: guess_number(bare, size, point, EXACT_DIGITS, value); break;
    case BX_CSV_GUESSED_BOOL: set_truth(bare, size, true, value); break;
    case BX_CSV_GUESSED_DATE: set_date(bare, size, true, value); break;
    default: value->kind = BX_VALUE_TEXT; break;
    }
}
