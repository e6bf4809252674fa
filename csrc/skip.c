#include "skip.h"

/* Bytes of a value of fixed size; -1 for the other types. */
static int fixed_size(uint8_t type)
{
    switch (type) {
    case BX_UNDEFINED:
    case BX_NULL:
    case BX_MINKEY:
    case BX_MAXKEY:
        return 0;
    case BX_BOOL:
        return 1;
    case BX_INT32:
        return 4;
    case BX_DOUBLE:
    case BX_DATETIME:
    case BX_TIMESTAMP:
    case BX_INT64:
        return 8;
    case BX_OBJECTID:
        return 12;
    case BX_DECIMAL128:
        return 16;
    default:
        return -1;
    }
}

/* Bytes beyond the length that a value starts with; -1 for the other types. */
static int counted_size(uint8_t type)
{
    switch (type) {
    case BX_DOCUMENT:
    case BX_ARRAY:
    case BX_CODE_W_SCOPE:
        return 0;
    case BX_STRING:
    case BX_CODE:
    case BX_SYMBOL:
        return 4;
    case BX_BINARY:
        return 5;
    case BX_DBPOINTER:
        return 16;
    default:
        return -1;
    }
}

/* Behind the NUL of the string at `p`, or NULL. */
static const uint8_t *cstring_end(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *nul = p == NULL || p >= end ? NULL : memchr(p, 0, (size_t)(end - p));

    return nul == NULL ? NULL : nul + 1;
}

const uint8_t *bx_value_end(uint8_t type, const uint8_t *p, const uint8_t *end)
{
    int64_t size = fixed_size(type);

    if (size < 0 && type == BX_REGEX) return cstring_end(cstring_end(p, end), end);
    if (size < 0) {
        int32_t counted;

        if (end - p < 4) return NULL;
        counted = (int32_t)bx_load32(p);
        if (counted < 0) return NULL;
        size = (int64_t)counted + counted_size(type);
        if (size < 4) return NULL;
    }
    return size > end - p ? NULL : p + size;
}

bx_skip_status bx_skip(const uint8_t *p, const uint8_t *end, bx_element *out)
{
    out->element = p;
    out->name = p + 1;
    out->value = cstring_end(p + 1, end);
    if (out->value == NULL) return BX_SKIP_NAME;
    if (fixed_size(*p) < 0 && counted_size(*p) < 0 && *p != BX_REGEX) return BX_SKIP_TYPE;
    out->next = bx_value_end(*p, out->value, end);
    return out->next == NULL ? BX_SKIP_VALUE : BX_SKIP_OK;
}
