/* The values of BSON as extended JSON: the rows of the specification's "Conversion table", and the
 * forms before it. They say what decoding and json_util.dumps make of them. */
#include <math.h>

#include "core/datetime_bson.h"
#include "core/encode.h"
#include "core/hex.h"
#include "core/regex_options.h"
#include "core/take.h"
#include "core/utf8.h"
#include "json/decimal.h"
#include "json/double.h"
#include "json/encode.h"
#include "json/from_bson.h"
#include "json/text.h"

/* There is room for 64 bytes more than these functions, which take numbers, write text of. */

/* ---- numbers ---- */

static void show_int(bx_shower *s, int64_t number)
{
    s->w.p = bx_json_write_int(s->w.p, number);
}

static int show_int32(bx_shower *s, int32_t number)
{
    bool wrapped = s->mode == BX_JSON_CANONICAL;

    if (wrapped) BX_SHOW(s, "{\"$numberInt\": \"");
    show_int(s, number);
    if (wrapped) BX_SHOW(s, "\"}");
    return 1;
}

static int show_int64(bx_shower *s, int64_t number)
{
    if (s->strict_number_long) BX_SHOW(s, "{\"$numberLong\": \"");
    show_int(s, number);
    if (s->strict_number_long) BX_SHOW(s, "\"}");
    return 1;
}

static void show_not_finite(bx_shower *s, double value)
{
    if (isnan(value)) {
        BX_SHOW(s, "NaN");
    } else if (value > 0) {
        BX_SHOW(s, "Infinity");
    } else {
        BX_SHOW(s, "-Infinity");
    }
}

static int show_double(bx_shower *s, double value)
{
    bool finite = isfinite(value);
    bool wrapped = s->mode == BX_JSON_CANONICAL || (!finite && s->mode != BX_JSON_LEGACY);

    if (wrapped) BX_SHOW(s, "{\"$numberDouble\": \"");
    if (finite) {
        s->w.p = bx_double_write(s->w.p, value);
    } else {
        show_not_finite(s, value);
    }
    if (wrapped) BX_SHOW(s, "\"}");
    return 1;
}

static int show_decimal128(bx_shower *s, const uint8_t *p)
{
    BX_SHOW(s, "{\"$numberDecimal\": \"");
    s->w.p = bx_decimal_write(s->w.p, bx_load64(p + 8), bx_load64(p));
    BX_SHOW(s, "\"}");
    return 1;
}

static int show_timestamp(bx_shower *s, const uint8_t *p)
{
    BX_SHOW(s, "{\"$timestamp\": {\"t\": ");
    show_int(s, bx_load32(p + 4));
    BX_SHOW(s, ", \"i\": ");
    show_int(s, bx_load32(p));
    BX_SHOW(s, "}}");
    return 1;
}

static void show_object_id(bx_shower *s, const uint8_t *p)
{
    BX_SHOW(s, "{\"$oid\": \"");
    s->w.p = bx_hex_write(s->w.p, p, 12);
    BX_SHOW(s, "\"}");
}

/* ---- dates ---- */

/* Days since 1970, not negative, as year, month and day: counted in years that begin in March. */
static void split_days(unsigned days, unsigned *year, unsigned *month, unsigned *day)
{
    unsigned z = days + 719468;
    unsigned era = z / 146097, of_era = z % 146097;
    unsigned years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * years + years / 4 - years / 100);
    unsigned m = (5 * of_year + 2) / 153;

    *day = of_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = years + era * 400 + (*month <= 2);
}

static void show_iso(bx_shower *s, int64_t millis)
{
    unsigned of_day = (unsigned)(millis % 86400000);
    unsigned seconds = of_day / 1000, year, month, day;
    uint8_t *p;

    split_days((unsigned)(millis / 86400000), &year, &month, &day);
    BX_SHOW(s, "{\"$date\": \"");
    p = bx_json_write_digits4(s->w.p, year);
    *p++ = '-';
    p = bx_json_write_digits2(p, month);
    *p++ = '-';
    p = bx_json_write_digits2(p, day);
    *p++ = 'T';
    p = bx_json_write_digits2(p, seconds / 3600);
    *p++ = ':';
    p = bx_json_write_digits2(p, seconds / 60 % 60);
    *p++ = ':';
    p = bx_json_write_digits2(p, seconds % 60);
    if (of_day % 1000 != 0) {
        *p++ = '.';
        p = bx_json_write_digits3(p, of_day % 1000);
    }
    s->w.p = p;
    BX_SHOW(s, "Z\"}");
}

static int show_date(bx_shower *s, int64_t millis)
{
    bool wrapped = s->dates != BX_JSON_DATE_LEGACY;

    if (s->dates == BX_JSON_DATE_ISO8601 && millis >= 0 && millis <= BX_MAX_MILLIS) {
        show_iso(s, millis);
        return 1;
    }
    BX_SHOW(s, "{\"$date\": ");
    if (wrapped) BX_SHOW(s, "{\"$numberLong\": \"");
    show_int(s, millis);
    if (wrapped) BX_SHOW(s, "\"}");
    BX_SHOW(s, "}");
    return 1;
}

/* ---- text ---- */

static int show_string(bx_shower *s, const uint8_t *end)
{
    Py_ssize_t size;
    const uint8_t *p = bx_take_string(&s->p, end, &size);

    return BX_LIKELY(p != NULL) ? bx_show_text(s, p, (size_t)size) : 0;
}

/* What comes behind text, for which there is no room yet. */
static int show_end(bx_shower *s, const char *text, size_t size)
{
    if (bx_shower_reserve(s, size) < 0) return -1;
    bx_put_bytes(&s->w, text, size);
    return 1;
}

#define SHOW_END(s, literal) show_end(s, literal, sizeof(literal) - 1)

static int show_code(bx_shower *s, const uint8_t *end)
{
    int status;

    BX_SHOW(s, "{\"$code\": ");
    status = show_string(s, end);
    return status > 0 ? SHOW_END(s, "}") : status;
}

/* int32 size of all of it, a string, a document that ends it. */
static int show_code_with_scope(bx_shower *s, const uint8_t *end)
{
    const uint8_t *next = s->p, *scope, *last;
    int status;

    if (bx_take_sized(&next, end, 14) == NULL) return 0;
    s->p += 4;
    BX_SHOW(s, "{\"$code\": ");
    status = show_string(s, next);
    if (status > 0) status = SHOW_END(s, ", \"$scope\": ");
    scope = s->p;
    if (status > 0 && (bx_take_document(&scope, next, &last) == NULL || scope != next)) return 0;
    return status > 0 ? bx_show_open(s, next, BX_SHOWN_SCOPE) : status;
}

static int show_cstring(bx_shower *s, const uint8_t *end)
{
    Py_ssize_t size;
    const uint8_t *p = bx_take_cstring(&s->p, end, &size);

    return p != NULL ? bx_show_text(s, p, (size_t)size) : 0;
}

/* Letters that mean nothing are left out. */
static int show_letters(bx_shower *s, const uint8_t *end)
{
    Py_ssize_t size;
    const uint8_t *letters = bx_take_cstring(&s->p, end, &size);
    long flags = 0;

    if (letters == NULL || !bx_utf8_is_valid(letters, (size_t)size)) return 0;
    for (Py_ssize_t i = 0; i < size; i++) flags |= bx_regex_flag(letters[i]);
    if (bx_shower_reserve(s, 64) < 0) return -1;
    bx_put_u8(&s->w, '"');
    s->w.p = bx_regex_write_letters(s->w.p, flags);
    bx_put_u8(&s->w, '"');
    return 1;
}

static int show_regex(bx_shower *s, const uint8_t *end)
{
    bool legacy = s->mode == BX_JSON_LEGACY;
    int status;

    if (legacy) {
        BX_SHOW(s, "{\"$regex\": ");
    } else {
        BX_SHOW(s, "{\"$regularExpression\": {\"pattern\": ");
    }
    status = show_cstring(s, end);
    if (status > 0) {
        status = legacy ? SHOW_END(s, ", \"$options\": ") : SHOW_END(s, ", \"options\": ");
    }
    if (status > 0) status = show_letters(s, end);
    if (status > 0) status = legacy ? SHOW_END(s, "}") : SHOW_END(s, "}}");
    return status;
}

/* A collection and an ObjectId, which become a reference. */
static int show_dbpointer(bx_shower *s, const uint8_t *end)
{
    const uint8_t *id;
    int status;

    BX_SHOW(s, "{\"$ref\": ");
    status = show_string(s, end);
    if (status <= 0) return status;
    id = bx_take(&s->p, end, 12);
    if (id == NULL) return 0;
    if (bx_shower_reserve(s, 64) < 0) return -1;
    BX_SHOW(s, ", \"$id\": ");
    show_object_id(s, id);
    BX_SHOW(s, "}");
    return 1;
}

/* ---- binary data ---- */

static int show_bytes(bx_shower *s, const uint8_t *data, size_t size, uint8_t subtype)
{
    bool legacy = s->mode == BX_JSON_LEGACY;

    if (bx_shower_reserve(s, (size + 2) / 3 * 4 + 64) < 0) return -1;
    if (legacy) {
        BX_SHOW(s, "{\"$binary\": \"");
    } else {
        BX_SHOW(s, "{\"$binary\": {\"base64\": \"");
    }
    s->w.p = bx_base64_write(s->w.p, data, size);
    if (legacy) {
        BX_SHOW(s, "\", \"$type\": \"");
    } else {
        BX_SHOW(s, "\", \"subType\": \"");
    }
    s->w.p = bx_hex_write(s->w.p, &subtype, 1);
    BX_SHOW(s, "\"}");
    if (!legacy) BX_SHOW(s, "}");
    return 1;
}

/* A UUID in the bytes of its representation, which is the one it is written back in. */
static int show_uuid(bx_shower *s, const uint8_t *data, size_t size, uint8_t subtype)
{
    uint8_t bytes[16];

    if (size != 16) return 0;
    if (s->strict_uuid) return show_bytes(s, data, size, subtype);
    memcpy(bytes, data, 16);
    bx_uuid_reorder(bytes, s->uuids);
    if (bx_shower_reserve(s, 64) < 0) return -1;
    BX_SHOW(s, "{\"$uuid\": \"");
    s->w.p = bx_hex_write(s->w.p, bytes, 16);
    BX_SHOW(s, "\"}");
    return 1;
}

static int show_binary(bx_shower *s, const uint8_t *end)
{
    Py_ssize_t size;
    int subtype;
    const uint8_t *p = bx_take_binary(&s->p, end, &size, &subtype);

    if (p == NULL) return 0;
    if (s->uuids != BX_UUID_UNSPECIFIED &&
        subtype == (s->uuids == BX_UUID_STANDARD ? 4 : 3)) {
        return show_uuid(s, p, (size_t)size, (uint8_t)subtype);
    }
    return show_bytes(s, p, (size_t)size, (uint8_t)subtype);
}

/* ---- all of them ---- */

static int show_rare(bx_shower *s, uint8_t type, const uint8_t *end)
{
    const uint8_t *p;

    switch (type) {
    case BX_BINARY: return show_binary(s, end);
    case BX_UNDEFINED: BX_SHOW(s, "null"); return 1;
    case BX_REGEX: return show_regex(s, end);
    case BX_DBPOINTER: return show_dbpointer(s, end);
    case BX_CODE: return show_code(s, end);
    case BX_SYMBOL: return show_string(s, end);
    case BX_CODE_W_SCOPE: return show_code_with_scope(s, end);
    case BX_TIMESTAMP:
        if ((p = bx_take(&s->p, end, 8)) == NULL) return 0;
        return show_timestamp(s, p);
    case BX_DECIMAL128:
        if ((p = bx_take(&s->p, end, 16)) == NULL) return 0;
        return show_decimal128(s, p);
    case BX_MINKEY: BX_SHOW(s, "{\"$minKey\": 1}"); return 1;
    case BX_MAXKEY: BX_SHOW(s, "{\"$maxKey\": 1}"); return 1;
    default: return 0;
    }
}

static int show_bool(bx_shower *s, uint8_t value)
{
    if (value > 1) return 0;
    if (value) {
        BX_SHOW(s, "true");
    } else {
        BX_SHOW(s, "false");
    }
    return 1;
}

int bx_show_value(bx_shower *s, uint8_t type, const uint8_t *end)
{
    const uint8_t *p;

    if (bx_shower_reserve(s, 96) < 0) return -1;
    switch (type) {
    case BX_STRING: return show_string(s, end);
    case BX_INT32:
        if ((p = bx_take(&s->p, end, 4)) == NULL) return 0;
        return show_int32(s, (int32_t)bx_load32(p));
    case BX_DOUBLE:
        if ((p = bx_take(&s->p, end, 8)) == NULL) return 0;
        return show_double(s, bx_load_double(p));
    case BX_BOOL:
        if ((p = bx_take(&s->p, end, 1)) == NULL) return 0;
        return show_bool(s, *p);
    case BX_NULL: BX_SHOW(s, "null"); return 1;
    case BX_DOCUMENT: return bx_show_open(s, end, BX_SHOWN_PART);
    case BX_ARRAY: return bx_show_open(s, end, BX_SHOWN_ARRAY);
    case BX_OBJECTID:
        if ((p = bx_take(&s->p, end, 12)) == NULL) return 0;
        show_object_id(s, p);
        return 1;
    case BX_INT64:
        if ((p = bx_take(&s->p, end, 8)) == NULL) return 0;
        return show_int64(s, (int64_t)bx_load64(p));
    case BX_DATETIME:
        if ((p = bx_take(&s->p, end, 8)) == NULL) return 0;
        return show_date(s, (int64_t)bx_load64(p));
    default: return show_rare(s, type, end);
    }
}
