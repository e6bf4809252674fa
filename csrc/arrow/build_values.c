/* Single values of BSON as those of columns. */
#include "arrow/builder.h"
#include "arrow/decimal.h"
#include "core/hex.h"
#include "core/take.h"
#include "core/utf8.h"

/* Write a value of so many bytes behind the others. */
BX_INLINE int put(bx_memory *m, const void *value, size_t size)
{
    if (BX_UNLIKELY(bx_memory_reserve(m, size) < 0)) return BX_BUILD_EXCEPTION;
    memcpy(m->p + m->size, value, size);
    m->size += size;
    return BX_BUILD_OK;
}

/* ---- numbers ---- */

/* An integer, exactly. */
BX_INLINE int read_integer(uint8_t type, const uint8_t *v, int64_t *out)
{
    double d;

    switch (type) {
    case BX_INT32: *out = (int32_t)bx_load32(v); return BX_BUILD_OK;
    case BX_INT64: *out = (int64_t)bx_load64(v); return BX_BUILD_OK;
    case BX_DOUBLE:
        d = bx_load_double(v);
        if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0)) return BX_BUILD_MISFIT;
        *out = (int64_t)d;
        return (double)*out == d ? BX_BUILD_OK : BX_BUILD_MISFIT;
    default: return BX_BUILD_MISFIT;
    }
}

/* Of a Decimal128 or a timestamp too, which fill 64 bits. */
static int put_uint64(bx_memory *m, uint8_t type, const uint8_t *v)
{
    bx_decimal d;
    uint64_t value;
    int64_t number;
    int status;

    if (type == BX_TIMESTAMP) {
        value = bx_load64(v);
    } else if (type == BX_DECIMAL128) {
        if (bx_decimal_from_bid(v, &d) != BX_DECIMAL_FINITE || !bx_decimal_scale(&d, 0) ||
            d.high != 0 || (d.negative && d.low != 0)) {
            return BX_BUILD_MISFIT;
        }
        value = d.low;
    } else {
        if ((status = read_integer(type, v, &number)) < 0) return status;
        if (number < 0) return BX_BUILD_MISFIT;
        value = (uint64_t)number;
    }
    return put(m, &value, 8);
}

#define PUT_INTEGER(type, least, most)                                                            \
    do {                                                                                          \
        type value = (type)number;                                                                \
        return number < (least) || number > (most) ? BX_BUILD_MISFIT                              \
                                                   : put(&c->values, &value, sizeof(value));      \
    } while (0)

static int put_integer(bx_builder *c, uint8_t type, const uint8_t *v)
{
    int64_t number;
    int status = read_integer(type, v, &number);

    if (status < 0) return status;
    switch (c->kind) {
    case BX_A_INT8: PUT_INTEGER(int8_t, INT8_MIN, INT8_MAX);
    case BX_A_UINT8: PUT_INTEGER(uint8_t, 0, UINT8_MAX);
    case BX_A_INT16: PUT_INTEGER(int16_t, INT16_MIN, INT16_MAX);
    case BX_A_UINT16: PUT_INTEGER(uint16_t, 0, UINT16_MAX);
    case BX_A_INT32: PUT_INTEGER(int32_t, INT32_MIN, INT32_MAX);
    case BX_A_UINT32: PUT_INTEGER(uint32_t, 0, UINT32_MAX);
    default: return put(&c->values, &number, 8);
    }
}

static int put_float(bx_builder *c, uint8_t type, const uint8_t *v)
{
    double d;
    float f;

    switch (type) {
    case BX_DOUBLE: d = bx_load_double(v); break;
    case BX_INT32: d = (int32_t)bx_load32(v); break;
    case BX_INT64: d = (double)(int64_t)bx_load64(v); break;
    default: return BX_BUILD_MISFIT;
    }
    if (c->kind == BX_A_FLOAT64) return put(&c->values, &d, 8);
    f = (float)d;
    return put(&c->values, &f, 4);
}

static int put_decimal(bx_builder *c, uint8_t type, const uint8_t *v)
{
    bx_decimal d;
    uint64_t words[2];

    if (type == BX_DECIMAL128) {
        if (bx_decimal_from_bid(v, &d) != BX_DECIMAL_FINITE) return BX_BUILD_MISFIT;
    } else {
        int64_t number;
        int status = read_integer(type == BX_DOUBLE ? BX_NULL : type, v, &number);

        if (status < 0) return status;
        d.negative = number < 0;
        d.high = 0;
        d.low = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
        d.exponent = 0;
    }
    if (!bx_decimal_scale(&d, (int)c->a) || !bx_decimal_fits(&d, (int)c->b)) return BX_BUILD_MISFIT;
    if (d.negative) {
        d.low = 0 - d.low;
        d.high = ~d.high + (d.low == 0);
    }
#if BX_BIG_ENDIAN
    words[0] = d.high;
    words[1] = d.low;
#else
    words[0] = d.low;
    words[1] = d.high;
#endif
    return put(&c->values, words, 16);
}

static int put_bool(bx_builder *c, uint8_t type, const uint8_t *v)
{
    int64_t i = c->length;

    if (type != BX_BOOL) return BX_BUILD_MISFIT;
    if ((i & 7) == 0) {
        if (put(&c->values, "", 1) < 0) return BX_BUILD_EXCEPTION;
    }
    if (*v) c->values.p[i >> 3] |= (uint8_t)(1 << (i & 7));
    return BX_BUILD_OK;
}

/* ---- dates ---- */

static int64_t divided(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static int put_date(bx_builder *c, uint8_t type, const uint8_t *v)
{
    int64_t value;
    int32_t days;

    if (type == BX_TIMESTAMP && c->kind == BX_A_TIMESTAMP) {
        value = (int64_t)bx_load32(v + 4) * 1000;
    } else if (type == BX_DATETIME) {
        value = (int64_t)bx_load64(v);
    } else {
        return BX_BUILD_MISFIT;
    }
    if (c->kind == BX_A_DATE32) {
        value = divided(value, 86400000);
        days = (int32_t)value;
        return days != value ? BX_BUILD_MISFIT : put(&c->values, &days, 4);
    }
    if (c->kind == BX_A_DATE64) {
        int64_t rest = value % 86400000;

        if (rest < 0) rest += 86400000;
        if (value < INT64_MIN + rest) return BX_BUILD_MISFIT;
        value -= rest;
    } else if (c->b > 1) {
        value = divided(value, c->b);
    } else if (c->a > 1) {
        if (value > INT64_MAX / c->a || value < INT64_MIN / c->a) return BX_BUILD_MISFIT;
        value *= c->a;
    }
    return put(&c->values, &value, 8);
}

/* ---- text and bytes ---- */

/* Data behind the others, and where they end. */
BX_INLINE int put_data(bx_builder *c, const uint8_t *p, size_t size)
{
    int64_t end;
    int32_t short_end;

    if (size > 0 && BX_UNLIKELY(put(&c->data, p, size) < 0)) return BX_BUILD_EXCEPTION;
    end = (int64_t)c->data.size;
    if (c->a == 64) return put(&c->values, &end, 8);
    if (BX_UNLIKELY(end > INT32_MAX)) {
        PyErr_SetString(PyExc_OverflowError,
                        "2 GB of text or bytes are too many for one column: make it a large one, "
                        "or the batches smaller");
        return BX_BUILD_EXCEPTION;
    }
    short_end = (int32_t)end;
    return put(&c->values, &short_end, 4);
}

static int put_hex(bx_builder *c, const uint8_t *v, size_t n)
{
    uint8_t text[24];

    return put_data(c, text, (size_t)(bx_hex_write(text, v, n) - text));
}

static int put_uuid(bx_builder *c, const uint8_t *v)
{
    static const uint8_t groups[] = {4, 2, 2, 2, 6};
    uint8_t text[36];
    uint8_t *p = text;

    for (int i = 0; i < 5; v += groups[i++]) {
        if (i > 0) *p++ = '-';
        p = bx_hex_write(p, v, groups[i]);
    }
    return put_data(c, text, sizeof(text));
}

/* A regular expression as it is written elsewhere: /pattern/options. */
static int put_regex(bx_builder *c, const uint8_t *v, const uint8_t *next)
{
    Py_ssize_t pattern, options;
    const uint8_t *p = bx_take_cstring(&v, next, &pattern);
    const uint8_t *o = p == NULL ? NULL : bx_take_cstring(&v, next, &options);
    int status;

    if (o == NULL) return BX_BUILD_BROKEN;
    if (!bx_is_text(p, (size_t)pattern) || !bx_is_text(o, (size_t)options)) return BX_BUILD_MISFIT;
    if (put(&c->data, "/", 1) < 0 || (pattern > 0 && put(&c->data, p, (size_t)pattern) < 0)) {
        return BX_BUILD_EXCEPTION;
    }
    status = put(&c->data, "/", 1);
    return status < 0 ? status : put_data(c, o, (size_t)options);
}

static int put_text(bx_builder *c, uint8_t type, const uint8_t *v, const uint8_t *next)
{
    char decimal[BX_DECIMAL_TEXT];
    const uint8_t *p;
    Py_ssize_t size;
    int subtype;

    switch (type) {
    case BX_STRING:
    case BX_SYMBOL:
    case BX_CODE:
        p = bx_take_string(&v, next, &size);
        if (BX_UNLIKELY(p == NULL)) return BX_BUILD_BROKEN;
        if (BX_UNLIKELY(!bx_is_text(p, (size_t)size))) return BX_BUILD_MISFIT;
        return put_data(c, p, (size_t)size);
    case BX_REGEX: return put_regex(c, v, next);
    case BX_OBJECTID: return put_hex(c, v, 12);
    case BX_DECIMAL128: return put_data(c, (const uint8_t *)decimal, bx_decimal_text(v, decimal));
    case BX_BINARY:
        p = bx_take_binary(&v, next, &size, &subtype);
        if (p == NULL) return BX_BUILD_BROKEN;
        return subtype == 4 && size == 16 ? put_uuid(c, p) : BX_BUILD_MISFIT;
    default: return BX_BUILD_MISFIT;
    }
}

static int put_binary(bx_builder *c, uint8_t type, const uint8_t *v, const uint8_t *next)
{
    Py_ssize_t size = 12;
    int subtype = 0;

    if (c->b == BX_A_FORM_DECIMAL128) {
        return type == BX_DECIMAL128 ? put(&c->values, v, 16) : BX_BUILD_MISFIT;
    }
    if (type == BX_BINARY) {
        v = bx_take_binary(&v, next, &size, &subtype);
        if (v == NULL) return BX_BUILD_BROKEN;
    } else if (type != BX_OBJECTID) {
        return BX_BUILD_MISFIT;
    }
    if (c->kind == BX_A_BINARY) return put_data(c, v, (size_t)size);
    if (size != c->a || (c->b == BX_A_FORM_OBJECTID && type != BX_OBJECTID) ||
        (c->b == 4 && subtype != 4)) {
        return BX_BUILD_MISFIT;
    }
    return put(&c->values, v, (size_t)size);
}

/* ---- any value ---- */

int bx_build_value(bx_builder *c, uint8_t type, const uint8_t *v, const uint8_t *next)
{
    switch (c->kind) {
    case BX_A_BOOL: return put_bool(c, type, v);
    case BX_A_UINT64: return put_uint64(&c->values, type, v);
    case BX_A_INT8:
    case BX_A_UINT8:
    case BX_A_INT16:
    case BX_A_UINT16:
    case BX_A_INT32:
    case BX_A_UINT32:
    case BX_A_INT64: return put_integer(c, type, v);
    case BX_A_FLOAT32:
    case BX_A_FLOAT64: return put_float(c, type, v);
    case BX_A_DECIMAL: return put_decimal(c, type, v);
    case BX_A_TEXT: return put_text(c, type, v, next);
    case BX_A_BINARY:
    case BX_A_FIXED: return put_binary(c, type, v, next);
    case BX_A_DATE32:
    case BX_A_DATE64:
    case BX_A_TIMESTAMP: return put_date(c, type, v);
    default: return BX_BUILD_MISFIT;
    }
}

/* Bytes of one value; 0 for offsets and bits. */
static size_t width_of(const bx_builder *c)
{
    switch (c->kind) {
    case BX_A_INT8:
    case BX_A_UINT8: return 1;
    case BX_A_INT16:
    case BX_A_UINT16: return 2;
    case BX_A_INT32:
    case BX_A_UINT32:
    case BX_A_FLOAT32:
    case BX_A_DATE32: return 4;
    case BX_A_INT64:
    case BX_A_UINT64:
    case BX_A_FLOAT64:
    case BX_A_DATE64:
    case BX_A_TIMESTAMP: return 8;
    case BX_A_DECIMAL: return 16;
    case BX_A_FIXED: return (size_t)c->a;
    default: return 0;
    }
}

int bx_build_zeros(bx_builder *c, int64_t n)
{
    size_t width = width_of(c);
    size_t size = width * (size_t)n;

    if (c->kind == BX_A_TEXT || c->kind == BX_A_BINARY || c->kind == BX_A_LIST ||
        c->kind == BX_A_MAP) {
        width = c->a == 64 ? 8 : 4;
        if (bx_memory_reserve(&c->values, width * (size_t)n) < 0) return BX_BUILD_EXCEPTION;
        for (int64_t i = 0; i < n; i++) {
            memcpy(c->values.p + c->values.size, c->values.p + c->values.size - width, width);
            c->values.size += width;
        }
        return BX_BUILD_OK;
    }
    if (c->kind == BX_A_BOOL) size = (size_t)((c->length + n + 7) / 8) - c->values.size;
    if (size == 0) return BX_BUILD_OK;
    if (bx_memory_reserve(&c->values, size) < 0) return BX_BUILD_EXCEPTION;
    memset(c->values.p + c->values.size, 0, size);
    c->values.size += size;
    return BX_BUILD_OK;
}
