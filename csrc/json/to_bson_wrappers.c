/* Type wrappers of extended JSON to BSON, in the forms that programs write (the "Conversion table" of
 * the specification, and the legacy forms). The others are left to the pure implementation. */
#include "core/datetime_bson.h"
#include "core/hex.h"
#include "core/regex_options.h"
#include "core/utf8.h"
#include "json/decimal.h"
#include "json/iso_date.h"
#include "json/number.h"
#include "json/text.h"
#include "json/to_bson.h"
#include "types/types.h"

/* ---- numbers ---- */

BX_INLINE int put_word(bx_reader *r, size_t element, uint8_t type, uint64_t word)
{
    bx_reader_set_type(r, element, type);
    bx_put_u64(&r->out.w, word);
    return 1;
}

static int read_object_id(bx_reader *r, size_t element)
{
    bx_json_span span;

    if (!bx_last_span(&r->at, &span) || span.size != 24) return 0;
    if (!bx_hex_read(r->out.w.p, span.text, 12)) return 0;
    r->out.w.p += 12;
    bx_reader_set_type(r, element, BX_OBJECTID);
    return 1;
}

static int read_int(bx_reader *r, size_t element)
{
    bx_json_span span;
    int64_t number;

    if (!bx_last_span(&r->at, &span) || !bx_span_as_int(span, &number)) return 0;
    if (number != (int32_t)number) return 0;
    bx_reader_set_type(r, element, BX_INT32);
    bx_put_u32(&r->out.w, (uint32_t)number);
    return 1;
}

static int read_int64(bx_reader *r, size_t element)
{
    bx_json_span span;
    int64_t number;

    if (!bx_last_span(&r->at, &span) || !bx_span_as_int(span, &number)) return 0;
    return put_word(r, element, BX_INT64, (uint64_t)number);
}

static int read_double(bx_reader *r, size_t element)
{
    bx_json_span span;
    bx_number n;
    double value;

    if (!bx_last_span(&r->at, &span)) return 0;
    if (bx_span_is(span, "NaN")) return bx_reader_put_double(r, element, Py_NAN);
    if (bx_span_is(span, "Infinity")) return bx_reader_put_double(r, element, Py_HUGE_VAL);
    if (bx_span_is(span, "-Infinity")) return bx_reader_put_double(r, element, -Py_HUGE_VAL);
    if (!bx_scan_number(span.text, &n) || n.end != span.text + span.size) return 0;
    if (!bx_number_as_double(&n, &value)) {
        if (bx_reader_double_slow(r, span, &value) < 0) return -1;
    }
    return bx_is_lost(&n, value) ? 0 : bx_reader_put_double(r, element, value);
}

static int read_decimal128(bx_reader *r, size_t element)
{
    bx_json_span span;
    uint64_t high, low;

    if (!bx_last_span(&r->at, &span) || !bx_decimal_read(span, &high, &low)) return 0;
    bx_put_u64(&r->out.w, low);
    return put_word(r, element, BX_DECIMAL128, high);
}

static int read_timestamp(bx_reader *r, size_t element)
{
    bx_cursor *at = &r->at;
    int64_t time, inc;

    if (!bx_skip_byte(at, '{') || !bx_skip_name(at, "t") || !bx_read_count(at, &time)) return 0;
    if (!bx_skip_byte(at, ',') || !bx_skip_name(at, "i") || !bx_read_count(at, &inc)) return 0;
    if (!bx_skip_brace(at) || !bx_skip_brace(at) || time > UINT32_MAX || inc > UINT32_MAX) return 0;
    return put_word(r, element, BX_TIMESTAMP, (uint64_t)time << 32 | (uint64_t)inc);
}

/* ---- words ---- */

static int read_extreme_key(bx_reader *r, size_t element, uint8_t type)
{
    if (*r->at.p != '1') return 0;
    r->at.p++;
    if (!bx_skip_brace(&r->at)) return 0;
    bx_reader_set_type(r, element, type);
    return 1;
}

static int read_undefined(bx_reader *r, size_t element)
{
    if (!BX_SKIP_WORD(&r->at, "true") || !bx_skip_brace(&r->at)) return 0;
    bx_reader_set_type(r, element, BX_NULL);
    return 1;
}

/* ---- text ---- */

static int read_symbol(bx_reader *r, size_t element)
{
    int status = bx_reader_string(r);

    if (status <= 0) return status;
    bx_reader_set_type(r, element, BX_STRING);
    return bx_skip_brace(&r->at);
}

/* Behind the text of code with a scope, from which on it is read like other documents. */
static int open_scope(bx_reader *r, size_t element, size_t start)
{
    int status;

    bx_reader_set_type(r, element, BX_CODE_W_SCOPE);
    r->top[1].start = (uint32_t)start;
    r->top[1].count = (uint32_t)r->keys.count;
    r->top[1].kind = BX_OPEN_CODE;
    r->top++;
    status = bx_reader_open(r, BX_OPEN_SCOPE);
    if (status <= 0) r->top--;
    return status > 0 && *r->at.p == '}' ? 2 : status;
}

/* The text is written where it belongs if a scope follows, before which there is one size more. */
static int read_code(bx_reader *r, size_t element)
{
    size_t start = bx_writer_size(&r->out.w), size;
    uint8_t *base;
    int status = bx_reader_string(r);

    if (status <= 0) return status;
    if (bx_skip_brace(&r->at)) {
        bx_reader_set_type(r, element, BX_CODE);
        return 1;
    }
    if (!bx_skip_byte(&r->at, ',') || !bx_skip_name(&r->at, "$scope") ||
        !bx_skip_byte(&r->at, '{')) {
        return 0;
    }
    if (bx_reader_reserve(r, 4) < 0) return -1;
    base = r->out.w.base;
    size = bx_writer_size(&r->out.w) - start;
    memmove(base + start + 4, base + start, size);
    r->out.w.p += 4;
    return open_scope(r, element, start);
}

/* ---- binary data ---- */

/* Subtype 2 has its size a second time. */
static int put_binary(bx_reader *r, size_t element, bx_json_span base64, int subtype)
{
    uint8_t *head;
    Py_ssize_t size;
    int inner = subtype == 2 ? 4 : 0;

    if (base64.size % 4 != 0 || bx_reader_reserve(r, base64.size / 4 * 3 + 16) < 0) {
        return base64.size % 4 != 0 ? 0 : -1;
    }
    head = r->out.w.p;
    size = bx_base64_read(head + 5 + inner, base64.text, base64.size);
    if (size < 0) return 0;
    bx_store32(head, (uint32_t)size + (uint32_t)inner);
    head[4] = (uint8_t)subtype;
    if (inner) bx_store32(head + 5, (uint32_t)size);
    r->out.w.p = head + 5 + inner + size;
    bx_reader_set_type(r, element, BX_BINARY);
    return 1;
}

static int read_binary(bx_reader *r, size_t element)
{
    bx_cursor *at = &r->at;
    bx_json_span base64, hex;
    int subtype;

    if (*at->p == '{') {
        if (!bx_skip_byte(at, '{') || !bx_skip_name(at, "base64") || !bx_read_span(at, &base64) ||
            !bx_skip_byte(at, ',') || !bx_skip_name(at, "subType") || !bx_last_span(at, &hex) ||
            !bx_skip_brace(at)) {
            return 0;
        }
    } else if (!bx_read_span(at, &base64) || !bx_skip_byte(at, ',') ||
               !bx_skip_name(at, "$type") || !bx_last_span(at, &hex)) {
        return 0;
    }
    subtype = bx_read_subtype(hex);
    return subtype < 0 ? 0 : put_binary(r, element, base64, subtype);
}

/* 8-4-4-4-12 hexadecimal digits, with all dashes or none. */
static int read_uuid(bx_reader *r, size_t element)
{
    static const uint8_t groups[] = {4, 2, 2, 2, 6};
    bx_json_span span;
    const uint8_t *text;
    uint8_t *p;

    if (!bx_last_span(&r->at, &span) || (span.size != 36 && span.size != 32)) return 0;
    if (bx_reader_reserve(r, 24) < 0) return -1;
    text = span.text;
    p = r->out.w.p;
    bx_store32(p, 16);
    p[4] = 4;
    p += 5;
    for (int i = 0; i < 5; i++) {
        if (span.size == 36 && i > 0 && *text++ != '-') return 0;
        if (!bx_hex_read(p, text, groups[i])) return 0;
        p += groups[i];
        text += 2 * groups[i];
    }
    r->out.w.p = p;
    bx_reader_set_type(r, element, BX_BINARY);
    return 1;
}

/* ---- regular expressions ---- */

/* The flags that letters stand for, each at most once; -1 for other text. */
static long read_flags(bx_json_span span)
{
    long flags = 0;

    for (size_t i = 0; i < span.size; i++) {
        long flag = bx_regex_flag(span.text[i]);

        if (flag == 0 || (flags & flag) != 0) return -1;
        flags |= flag;
    }
    return flags;
}

/* Behind the colon of the pattern's name: pattern, options and the end of the inner object. */
static int read_regex_parts(bx_reader *r, size_t element, const char *options_name, bool nested)
{
    bx_json_span letters;
    long flags;
    int status;

    r->met_nul = false;
    status = bx_reader_text(r);
    if (status <= 0 || r->met_nul) return status < 0 ? -1 : 0;
    if (!bx_skip_byte(&r->at, ',') || !bx_skip_name(&r->at, options_name) ||
        !bx_last_span(&r->at, &letters) || (nested && !bx_skip_brace(&r->at)) ||
        (flags = read_flags(letters)) < 0) {
        return 0;
    }
    if (bx_reader_reserve(r, BX_REGEX_LETTER_COUNT + 2) < 0) return -1;
    bx_put_u8(&r->out.w, 0);
    r->out.w.p = bx_regex_write_letters(r->out.w.p, flags);
    bx_put_u8(&r->out.w, 0);
    bx_reader_set_type(r, element, BX_REGEX);
    return 1;
}

static int read_regular_expression(bx_reader *r, size_t element)
{
    if (!bx_skip_byte(&r->at, '{') || !bx_skip_name(&r->at, "pattern")) return 0;
    return read_regex_parts(r, element, "options", true);
}

/* ---- dates ---- */

static int read_date(bx_reader *r, size_t element)
{
    bx_cursor *at = &r->at;
    bx_json_span span;
    bx_iso_date date;
    int64_t millis;
    bool negative;

    if (*at->p == '"') {
        if (!bx_last_span(at, &span) || !bx_iso_date_read(span, &date)) return 0;
        millis = bx_iso_date_millis(&date);
        if (millis < BX_MIN_MILLIS || millis > BX_MAX_MILLIS) return 0;
        return put_word(r, element, BX_DATETIME, (uint64_t)millis);
    }
    if (*at->p == '{') {
        if (!bx_skip_byte(at, '{') || !bx_skip_name(at, "$numberLong") ||
            !bx_last_span(at, &span) || !bx_skip_brace(at) || !bx_span_as_int(span, &millis)) {
            return 0;
        }
        return put_word(r, element, BX_DATETIME, (uint64_t)millis);
    }
    negative = *at->p == '-';
    at->p += negative;
    if (!bx_read_count(at, &millis) || !bx_skip_brace(at)) return 0;
    return put_word(r, element, BX_DATETIME, (uint64_t)(negative ? -millis : millis));
}

/* ---- references ---- */

/* {"$ref": collection, "$id": {"$oid": id}}: what BSON has instead of a DBPointer. */
static int read_dbpointer(bx_reader *r, size_t element)
{
    bx_cursor *at = &r->at;
    bx_json_span id;
    size_t start = bx_writer_size(&r->out.w);
    int status;

    if (!bx_skip_byte(at, '{') || !bx_skip_name(at, "$ref")) return 0;
    bx_put_size_later(&r->out.w);
    bx_put_bytes(&r->out.w, "\x02$ref", 6);
    status = bx_reader_string(r);
    if (status <= 0) return status;
    if (!bx_skip_byte(at, ',') || !bx_skip_name(at, "$id") || !bx_skip_byte(at, '{') ||
        !bx_skip_name(at, "$oid") || !bx_last_span(at, &id) || !bx_skip_brace(at) ||
        !bx_skip_brace(at) || id.size != 24) {
        return 0;
    }
    if (bx_reader_reserve(r, 24) < 0) return -1;
    bx_put_bytes(&r->out.w, "\x07$id", 5);
    if (!bx_hex_read(r->out.w.p, id.text, 12)) return 0;
    r->out.w.p += 12;
    bx_put_u8(&r->out.w, 0);
    bx_patch_u32(&r->out.w, start, (uint32_t)(bx_writer_size(&r->out.w) - start));
    bx_reader_set_type(r, element, BX_DOCUMENT);
    return 1;
}

/* ---- which wrapper ---- */

static bx_wrapper kind_of(bx_json_span name)
{
#define KIND(name, kind) {{(const uint8_t *)(name), sizeof(name) - 1}, kind}
    static const struct {
        bx_json_span name;
        bx_wrapper kind;
    } kinds[] = {
        KIND("$oid", BX_IS_OBJECT_ID),
        KIND("$date", BX_IS_DATE),
        KIND("$numberInt", BX_IS_INT),
        KIND("$numberLong", BX_IS_LONG),
        KIND("$numberDouble", BX_IS_DOUBLE),
        KIND("$numberDecimal", BX_IS_DECIMAL),
        KIND("$binary", BX_IS_BINARY),
        KIND("$uuid", BX_IS_UUID),
        KIND("$timestamp", BX_IS_TIMESTAMP),
        KIND("$regularExpression", BX_IS_REGULAR_EXPRESSION),
        KIND("$regex", BX_IS_REGEX),
        KIND("$code", BX_IS_CODE),
        KIND("$symbol", BX_IS_SYMBOL),
        KIND("$minKey", BX_IS_MIN_KEY),
        KIND("$maxKey", BX_IS_MAX_KEY),
        KIND("$undefined", BX_IS_UNDEFINED),
        KIND("$dbPointer", BX_IS_DBPOINTER),
    };
#undef KIND

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (name.size == kinds[i].name.size &&
            memcmp(name.text, kinds[i].name.text, name.size) == 0) {
            return kinds[i].kind;
        }
    }
    return BX_NO_WRAPPER;
}

bool bx_is_wrapper_key(const uint8_t *key, size_t size)
{
    return kind_of((bx_json_span){key, size}) != BX_NO_WRAPPER;
}

int bx_reader_wrapper(bx_reader *r, size_t element, bx_wrapper kind)
{
    if (bx_reader_reserve(r, 48) < 0) return -1;
    switch (kind) {
    case BX_IS_OBJECT_ID: return read_object_id(r, element);
    case BX_IS_DATE: return read_date(r, element);
    case BX_IS_CODE: return read_code(r, element);
    case BX_IS_UUID: return read_uuid(r, element);
    case BX_IS_REGEX: return read_regex_parts(r, element, "$options", false);
    case BX_IS_BINARY: return read_binary(r, element);
    case BX_IS_SYMBOL: return read_symbol(r, element);
    case BX_IS_MIN_KEY: return read_extreme_key(r, element, BX_MINKEY);
    case BX_IS_MAX_KEY: return read_extreme_key(r, element, BX_MAXKEY);
    case BX_IS_INT: return read_int(r, element);
    case BX_IS_TIMESTAMP: return read_timestamp(r, element);
    case BX_IS_LONG: return read_int64(r, element);
    case BX_IS_UNDEFINED: return read_undefined(r, element);
    case BX_IS_DBPOINTER: return read_dbpointer(r, element);
    case BX_IS_DOUBLE: return read_double(r, element);
    case BX_IS_DECIMAL: return read_decimal128(r, element);
    case BX_IS_REGULAR_EXPRESSION: return read_regular_expression(r, element);
    case BX_NO_WRAPPER: break;
    }
    return 0;
}

bx_wrapper bx_reader_begin_wrapper(bx_reader *r)
{
    const uint8_t *start = r->at.p;
    bx_json_span name;
    bx_wrapper kind;

    if (bx_read_span(&r->at, &name) && (kind = kind_of(name)) != BX_NO_WRAPPER &&
        bx_skip_byte(&r->at, ':')) {
        return kind;
    }
    r->at.p = start;
    return BX_NO_WRAPPER;
}
