/* Rows of columns as BSON: a value at a time, without Python's objects. */
#include "arrow/to_bson.h"

#include "arrow/decimal.h"
#include "core/utf8.h"

#include <stdarg.h>

/* Type and name of an element, and room for `size` bytes of its value. -1 with an exception. */
BX_INLINE int head(bx_row_writer *w, uint8_t type, const uint8_t *name, size_t n, size_t size)
{
    bx_writer *out = &w->documents.w;

    if (BX_UNLIKELY(bx_writer_reserve(out, 1 + n + size) < 0)) return BX_ROW_EXCEPTION;
    bx_put_u8(out, type);
    bx_put_bytes(out, name, n);
    return BX_ROW_OK;
}

/* A value cannot be written: always `status`. */
static BX_COLD int bad(bx_row_writer *w, const bx_column *c, int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    w->bad = c;
    w->problem = PyUnicode_FromFormatV(format, args);
    va_end(args);
    return w->problem == NULL ? BX_ROW_EXCEPTION : status;
}

/* ---- numbers ---- */

BX_INLINE int put_int32(bx_row_writer *w, int32_t v, const uint8_t *name, size_t n)
{
    if (BX_UNLIKELY(head(w, BX_INT32, name, n, 4) < 0)) return BX_ROW_EXCEPTION;
    bx_put_u32(&w->documents.w, (uint32_t)v);
    return BX_ROW_OK;
}

BX_INLINE int put_64(bx_row_writer *w, uint8_t type, uint64_t v, const uint8_t *name, size_t n)
{
    if (BX_UNLIKELY(head(w, type, name, n, 8) < 0)) return BX_ROW_EXCEPTION;
    bx_put_u64(&w->documents.w, v);
    return BX_ROW_OK;
}

BX_INLINE int put_double(bx_row_writer *w, double v, const uint8_t *name, size_t n)
{
    uint64_t bits;

    memcpy(&bits, &v, 8);
    return put_64(w, BX_DOUBLE, bits, name, n);
}

static double half_to_double(uint16_t h)
{
    int exponent = h >> 10 & 0x1F;
    uint64_t fraction = h & 0x3FF;
    uint64_t bits = (uint64_t)(h >> 15) << 63;
    double v;

    if (exponent == 0) {
        v = (double)fraction / 16777216.0; /* 2 ** 24 */
        return h >> 15 ? -v : v;
    }
    bits |= exponent == 31 ? UINT64_C(0x7FF) << 52 : (uint64_t)(exponent - 15 + 1023) << 52;
    bits |= fraction << 42;
    memcpy(&v, &bits, 8);
    return v;
}

static int put_decimal_words(bx_row_writer *w, const bx_column *c, uint64_t high, uint64_t low,
                             int scale, const uint8_t *name, size_t n)
{
    bool negative = (int64_t)high < 0;
    uint8_t bid[16];

    if (negative) {
        low = 0 - low;
        high = ~high + (low == 0);
    }
    if (!bx_decimal_to_bid(high, low, negative, -scale, bid)) {
        return bad(w, c, BX_ROW_VALUE, "a decimal has more than 34 digits");
    }
    if (head(w, BX_DECIMAL128, name, n, 16) < 0) return BX_ROW_EXCEPTION;
    bx_put_bytes(&w->documents.w, bid, 16);
    return BX_ROW_OK;
}

static int put_decimal(bx_row_writer *w, const bx_column *c, int64_t i, const uint8_t *name,
                       size_t n)
{
    int64_t low;
    uint64_t high;

    if (c->b == 128) {
        low = bx_i64_at(c->values, 2 * i);
        high = bx_u64_at(c->values, 2 * i + 1);
    } else {
        low = bx_offset_at(c->values, c->b, i);
        high = low < 0 ? UINT64_MAX : 0;
    }
    return put_decimal_words(w, c, high, (uint64_t)low, (int)c->a, name, n);
}

static int put_uint64(bx_row_writer *w, const bx_column *c, uint64_t v, const uint8_t *name,
                      size_t n)
{
    uint8_t bid[16];

    if (BX_LIKELY(v <= INT64_MAX)) return put_64(w, BX_INT64, v, name, n);
    if (!w->uint64_decimal) {
        return bad(w, c, BX_ROW_VALUE, "%llu is too large for an int64", (unsigned long long)v);
    }
    bx_decimal_to_bid(0, v, false, 0, bid);
    if (head(w, BX_DECIMAL128, name, n, 16) < 0) return BX_ROW_EXCEPTION;
    bx_put_bytes(&w->documents.w, bid, 16);
    return BX_ROW_OK;
}

/* ---- dates ---- */

static int put_timestamp(bx_row_writer *w, const bx_column *c, int64_t v, const uint8_t *name,
                         size_t n)
{
    if (c->b > 1) {
        int64_t rest = v % c->b;

        v = v / c->b - (rest < 0);
    } else if (c->a > 1) {
        if (v > INT64_MAX / c->a || v < INT64_MIN / c->a) {
            return bad(w, c, BX_ROW_VALUE, "a timestamp of %lld seconds is no date of BSON",
                       (long long)v);
        }
        v *= c->a;
    }
    return put_64(w, BX_DATETIME, (uint64_t)v, name, n);
}

/* ---- text and bytes ---- */

/* Bytes in the form of the column. */
static int put_bytes(bx_row_writer *w, const bx_column *c, const uint8_t *p, int64_t size,
                     const uint8_t *name, size_t n)
{
    bx_writer *out = &w->documents.w;
    size_t length = (size_t)size;

    if (size > INT32_MAX - 64) {
        return bad(w, c, BX_ROW_VALUE, "%lld bytes are too many for BSON", (long long)size);
    }
    if (c->b >= 0) {
        bool old = c->b == 2; /* whose bytes begin with their size */

        if (head(w, BX_BINARY, name, n, length + 9) < 0) return BX_ROW_EXCEPTION;
        bx_put_u32(out, (uint32_t)(length + (old ? 4 : 0)));
        bx_put_u8(out, (uint8_t)c->b);
        if (old) bx_put_u32(out, (uint32_t)length);
        if (length > 0) bx_put_bytes(out, p, length);
        return BX_ROW_OK;
    }
    if (c->b == BX_A_FORM_OBJECTID || c->b == BX_A_FORM_DECIMAL128) {
        bool oid = c->b == BX_A_FORM_OBJECTID;

        if (size != (oid ? 12 : 16)) {
            return bad(w, c, BX_ROW_VALUE, "%lld bytes are no %s", (long long)size,
                       oid ? "ObjectId" : "Decimal128");
        }
        if (head(w, oid ? BX_OBJECTID : BX_DECIMAL128, name, n, length) < 0) {
            return BX_ROW_EXCEPTION;
        }
        bx_put_bytes(out, p, length);
        return BX_ROW_OK;
    }
    if (BX_UNLIKELY(!bx_is_text(p, length))) {
        return bad(w, c, BX_ROW_VALUE, "the text is not UTF-8");
    }
    if (head(w, c->b == BX_A_FORM_CODE ? BX_CODE : BX_STRING, name, n, length + 5) < 0) {
        return BX_ROW_EXCEPTION;
    }
    bx_put_u32(out, (uint32_t)length + 1);
    if (length > 0) bx_copy_text(out->p, p, length);
    out->p += length;
    bx_put_u8(out, 0);
    return BX_ROW_OK;
}

/* The bytes of value `i` of a column of text or bytes, NULL if there are none. */
static int find_bytes(bx_row_writer *w, const bx_column *c, int64_t i, const uint8_t **p,
                      int64_t *size)
{
    int64_t from = bx_offset_at(c->values, c->a, i);
    int64_t to = bx_offset_at(c->values, c->a, i + 1);

    if (BX_UNLIKELY(from < 0 || to < from || to > c->limit)) {
        return bad(w, c, BX_ROW_ARRAY, "a value from %lld to %lld of %lld bytes", (long long)from,
                   (long long)to, (long long)c->limit);
    }
    *p = c->data + (c->data == NULL ? 0 : from);
    *size = to - from;
    return BX_ROW_OK;
}

/* The same for a view: 16 bytes, of which the first four are the size. What is short stands in
 * them, else they say in which buffer it is, and where. */
static int find_view(bx_row_writer *w, const bx_column *c, int64_t i, const uint8_t **p,
                     int64_t *size)
{
    const uint8_t *view = (const uint8_t *)c->values + 16 * (size_t)i;
    int64_t n = bx_i32_at(view, 0);
    int64_t buffer = bx_i32_at(view, 2);
    int64_t from = bx_i32_at(view, 3);

    *size = n;
    *p = view + 4;
    if (n >= 0 && n <= 12) return BX_ROW_OK;
    if (n < 0 || buffer < 0 || buffer >= c->n_buffers || from < 0 || c->buffers[buffer] == NULL ||
        from > bx_i64_at(c->sizes, buffer) - n) {
        return bad(w, c, BX_ROW_ARRAY, "a view of %lld bytes at %lld of buffer %lld of %lld",
                   (long long)n, (long long)from, (long long)buffer, (long long)c->n_buffers);
    }
    *p = (const uint8_t *)c->buffers[buffer] + from;
    return BX_ROW_OK;
}

static int put_found(bx_row_writer *w, const bx_column *c, int64_t i, const uint8_t *name, size_t n)
{
    const uint8_t *p = NULL;
    int64_t size = 0;
    int status = c->kind == BX_A_TEXT || c->kind == BX_A_BINARY ? find_bytes(w, c, i, &p, &size)
                                                                : find_view(w, c, i, &p, &size);

    return status < 0 ? status : put_bytes(w, c, p, size, name, n);
}

/* ---- lists and documents ---- */

/* The numbers 0, 1, 2, ... as text, for the names of an array's elements. */
typedef struct {
    uint8_t text[24];
    int start; /* of the number; it ends at 23, where its NUL is */
} counter;

static void count_from_zero(counter *n)
{
    memset(n->text, 0, sizeof(n->text));
    n->start = 22;
    n->text[22] = '0';
}

static void count_on(counter *n)
{
    int i = 22;

    while (i >= n->start && n->text[i] == '9') n->text[i--] = '0';
    if (i >= n->start) {
        n->text[i]++;
    } else {
        n->text[i] = '1';
        n->start = i;
    }
}

/* Whether the child has the values from `from` to `to`; `format` says what is wrong. */
BX_INLINE int check_span(bx_row_writer *w, const bx_column *c, int64_t from, int64_t to,
                         const char *format)
{
    int64_t length = c->children[0].length - c->children[0].offset;

    if (BX_LIKELY(from >= 0 && to >= from && to <= length)) return BX_ROW_OK;
    return bad(w, c, BX_ROW_ARRAY, format, (long long)from, (long long)to, (long long)length);
}

/* Values from `from` to `to` of the child as an array. */
static int put_list(bx_row_writer *w, bx_column *c, int64_t from, int64_t to, const uint8_t *name,
                    size_t n)
{
    bx_column *child = &c->children[0];
    bx_writer *out = &w->documents.w;
    counter number;
    size_t start;
    int status;

    status = check_span(w, c, from, to, "a list from %lld to %lld of %lld values");
    if (BX_UNLIKELY(status != BX_ROW_OK)) return status;
    if (head(w, BX_ARRAY, name, n, 4) < 0) return BX_ROW_EXCEPTION;
    start = bx_put_size_later(out);
    count_from_zero(&number);
    for (int64_t i = from; i < to; i++, count_on(&number)) {
        const uint8_t *text = number.text + number.start;
        size_t size = (size_t)(24 - number.start);

        status = bx_row_is_null(child, i)
                     ? head(w, BX_NULL, text, size, 0)
                     : bx_row_put_named(w, child, i, text, size);
        if (status < 0) return status;
    }
    if (bx_writer_reserve(out, 1) < 0) return BX_ROW_EXCEPTION;
    bx_put_u8(out, 0);
    bx_patch_u32(out, start, (uint32_t)(bx_writer_size(out) - start));
    return BX_ROW_OK;
}

static int put_struct(bx_row_writer *w, bx_column *c, int64_t i, const uint8_t *name, size_t n)
{
    bx_writer *out = &w->documents.w;
    size_t start;

    if (head(w, BX_DOCUMENT, name, n, 4) < 0) return BX_ROW_EXCEPTION;
    start = bx_put_size_later(out);
    for (int k = 0; k < c->n_children; k++) {
        int status = bx_row_put(w, &c->children[k], i);

        if (status < 0) return status;
    }
    if (bx_writer_reserve(out, 1) < 0) return BX_ROW_EXCEPTION;
    bx_put_u8(out, 0);
    bx_patch_u32(out, start, (uint32_t)(bx_writer_size(out) - start));
    return BX_ROW_OK;
}

/* One pair of a map: the key is the name. */
static int put_pair(bx_row_writer *w, bx_column *pairs, int64_t i)
{
    bx_column *keys = &pairs->children[0];
    bx_writer *out = &w->documents.w;
    int64_t at = i + pairs->offset;
    uint8_t small[256];
    const uint8_t *p;
    int64_t size;
    uint8_t *name = small;
    int status;

    (void)out;
    if (bx_is_null_at(pairs, at) || bx_row_is_null(keys, at)) {
        return bad(w, keys, BX_ROW_VALUE, "a key of a map is null");
    }
    status = keys->kind == BX_A_TEXT ? find_bytes(w, keys, at + keys->offset, &p, &size)
                                     : find_view(w, keys, at + keys->offset, &p, &size);
    if (status < 0) return status;
    if (size > INT32_MAX - 64 || !bx_is_text(p, (size_t)size) ||
        (size > 0 && memchr(p, 0, (size_t)size) != NULL)) {
        return bad(w, keys, BX_ROW_VALUE, "a key of a map is no name of a field");
    }
    if (size >= (int64_t)sizeof(small) && (name = PyMem_Malloc((size_t)size + 1)) == NULL) {
        PyErr_NoMemory();
        return BX_ROW_EXCEPTION;
    }
    if (size > 0) memcpy(name, p, (size_t)size);
    name[size] = 0;
    status = bx_row_put_named(w, &pairs->children[1], at, name, (size_t)size + 1);
    if (name != small) PyMem_Free(name);
    return status;
}

static int put_map(bx_row_writer *w, bx_column *c, int64_t i, const uint8_t *name, size_t n)
{
    bx_column *pairs = &c->children[0];
    bx_writer *out = &w->documents.w;
    int64_t from = bx_i32_at(c->values, i);
    int64_t to = bx_i32_at(c->values, i + 1);
    size_t start;
    int status;

    status = check_span(w, c, from, to, "a map from %lld to %lld of %lld pairs");
    if (BX_UNLIKELY(status != BX_ROW_OK)) return status;
    if (head(w, BX_DOCUMENT, name, n, 4) < 0) return BX_ROW_EXCEPTION;
    start = bx_put_size_later(out);
    for (; from < to; from++) {
        status = put_pair(w, pairs, from);
        if (status < 0) return status;
    }
    if (bx_writer_reserve(out, 1) < 0) return BX_ROW_EXCEPTION;
    bx_put_u8(out, 0);
    bx_patch_u32(out, start, (uint32_t)(bx_writer_size(out) - start));
    return BX_ROW_OK;
}

/* ---- values that stand elsewhere ---- */

/* The run that has value `at` (the offset included): the last one again or the next, mostly. */
static int64_t find_run(bx_column *c, int64_t at)
{
    const bx_column *ends = &c->children[0];
    int64_t n = ends->length - ends->offset;
    int64_t low = 0, high = n - 1;

#define END(k) bx_index_at(ends->values, c->a, ends->offset + (k))
    if (c->run < n && at < END(c->run) && (c->run == 0 || at >= END(c->run - 1))) return c->run;
    if (c->run + 1 < n && at < END(c->run + 1) && at >= END(c->run)) return ++c->run;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (at < END(middle)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
#undef END
    return c->run = low;
}

/* The value of a dictionary; -1 if the index is none. */
BX_INLINE int64_t find_in_dictionary(const bx_column *c, int64_t at)
{
    const bx_column *values = &c->children[0];
    int64_t index = bx_index_at(c->values, c->a, at);

    return index < 0 || index >= values->length - values->offset ? -1 : index;
}

/* The child of a union's value, and the value in it; NULL if there is none. */
static bx_column *find_in_union(const bx_column *c, int64_t at, int64_t *index)
{
    int8_t id = bx_i8_at(c->values, at);
    bx_column *child;

    if (id < 0 || c->type_ids[id] == 255) return NULL;
    child = &c->children[c->type_ids[id]];
    *index = c->a ? bx_i32_at(c->sizes, at) : at;
    return *index < 0 || *index >= child->length - child->offset ? NULL : child;
}

bool bx_row_is_null(bx_column *c, int64_t i)
{
    int64_t at = i + c->offset;
    bx_column *child;
    int64_t index;

    if (bx_is_null_at(c, at)) return true;
    switch (c->kind) {
    case BX_A_NULL: return true;
    case BX_A_RUNS: return bx_row_is_null(&c->children[1], find_run(c, at));
    case BX_A_DICTIONARY:
        index = find_in_dictionary(c, at);
        return index >= 0 && bx_row_is_null(&c->children[0], index);
    case BX_A_UNION:
        child = find_in_union(c, at, &index);
        return child != NULL && bx_row_is_null(child, index);
    default: return false;
    }
}

static int put_elsewhere(bx_row_writer *w, bx_column *c, int64_t at, const uint8_t *name, size_t n)
{
    bx_column *child = &c->children[0];
    int64_t index;

    if (c->kind == BX_A_RUNS) {
        child = &c->children[1];
        index = find_run(c, at);
    } else if (c->kind == BX_A_DICTIONARY) {
        index = find_in_dictionary(c, at);
        if (index < 0) return bad(w, c, BX_ROW_ARRAY, "an index is not one of the dictionary's");
    } else {
        child = find_in_union(c, at, &index);
        if (child == NULL) {
            return bad(w, c, BX_ROW_ARRAY, "a value of the union is in none of its columns");
        }
    }
    return bx_row_put_named(w, child, index, name, n);
}

/* ---- any value ---- */

/* A value that is not null. */
static int put_value(bx_row_writer *w, bx_column *c, int64_t at, const uint8_t *name, size_t n)
{
    const void *v = c->values;
    int64_t from;

    switch (c->kind) {
    case BX_A_BOOL:
        if (head(w, BX_BOOL, name, n, 1) < 0) return BX_ROW_EXCEPTION;
        bx_put_u8(&w->documents.w, c->a == 8 ? bx_i8_at(v, at) != 0
                                             : ((const uint8_t *)v)[at >> 3] >> (at & 7) & 1);
        return BX_ROW_OK;
    case BX_A_INT8: return put_int32(w, bx_i8_at(v, at), name, n);
    case BX_A_UINT8: return put_int32(w, bx_u8_at(v, at), name, n);
    case BX_A_INT16: return put_int32(w, bx_i16_at(v, at), name, n);
    case BX_A_UINT16: return put_int32(w, bx_u16_at(v, at), name, n);
    case BX_A_INT32: return put_int32(w, bx_i32_at(v, at), name, n);
    case BX_A_UINT32: return put_64(w, BX_INT64, bx_u32_at(v, at), name, n);
    case BX_A_INT64: return put_64(w, BX_INT64, bx_u64_at(v, at), name, n);
    case BX_A_UINT64: return put_uint64(w, c, bx_u64_at(v, at), name, n);
    case BX_A_FLOAT16: return put_double(w, half_to_double(bx_u16_at(v, at)), name, n);
    case BX_A_FLOAT32: return put_double(w, (double)bx_f32_at(v, at), name, n);
    case BX_A_FLOAT64: return put_double(w, bx_f64_at(v, at), name, n);
    case BX_A_DECIMAL: return put_decimal(w, c, at, name, n);
    case BX_A_TEXT:
    case BX_A_TEXT_VIEW:
    case BX_A_BINARY:
    case BX_A_BINARY_VIEW: return put_found(w, c, at, name, n);
    case BX_A_FIXED: return put_bytes(w, c, (const uint8_t *)v + at * c->a, c->a, name, n);
    case BX_A_DATE32:
        return put_64(w, BX_DATETIME, (uint64_t)(bx_i32_at(v, at) * INT64_C(86400000)), name, n);
    case BX_A_DATE64: return put_64(w, BX_DATETIME, bx_u64_at(v, at), name, n);
    case BX_A_TIMESTAMP: return put_timestamp(w, c, bx_i64_at(v, at), name, n);
    case BX_A_LIST:
        return put_list(w, c, bx_offset_at(v, c->a, at), bx_offset_at(v, c->a, at + 1), name, n);
    case BX_A_LIST_VIEW:
        from = bx_offset_at(v, c->a, at);
        if (from < 0 || bx_offset_at(c->sizes, c->a, at) > INT64_MAX - from) {
            return bad(w, c, BX_ROW_ARRAY, "a list at %lld", (long long)from);
        }
        return put_list(w, c, from, from + bx_offset_at(c->sizes, c->a, at), name, n);
    case BX_A_FIXED_LIST: return put_list(w, c, at * c->a, (at + 1) * c->a, name, n);
    case BX_A_STRUCT: return put_struct(w, c, at, name, n);
    case BX_A_MAP: return put_map(w, c, at, name, n);
    default: return put_elsewhere(w, c, at, name, n);
    }
}

int bx_row_put_named(bx_row_writer *w, bx_column *c, int64_t i, const uint8_t *name, size_t size)
{
    if (bx_row_is_null(c, i)) {
        return w->omit_nulls ? BX_ROW_OK : head(w, BX_NULL, name, size, 0);
    }
    return put_value(w, c, i + c->offset, name, size);
}

int bx_row_put(bx_row_writer *w, bx_column *c, int64_t i)
{
    return bx_row_put_named(w, c, i, c->name, c->name_size);
}
