#include "core/skip.h"

#define FIXED(n) {n, n, false, true}
#define COUNTED(n) {n, 4, true, true}

const bx_layout bx_layouts[256] = {
    [BX_DOUBLE] = FIXED(8),
    [BX_STRING] = COUNTED(4),
    [BX_DOCUMENT] = COUNTED(0),
    [BX_ARRAY] = COUNTED(0),
    [BX_BINARY] = COUNTED(5),
    [BX_UNDEFINED] = FIXED(0),
    [BX_OBJECTID] = FIXED(12),
    [BX_BOOL] = FIXED(1),
    [BX_DATETIME] = FIXED(8),
    [BX_NULL] = FIXED(0),
    [BX_DBPOINTER] = COUNTED(16),
    [BX_CODE] = COUNTED(4),
    [BX_SYMBOL] = COUNTED(4),
    [BX_CODE_W_SCOPE] = COUNTED(0),
    [BX_INT32] = FIXED(4),
    [BX_TIMESTAMP] = FIXED(8),
    [BX_INT64] = FIXED(8),
    [BX_DECIMAL128] = FIXED(16),
    [BX_MAXKEY] = FIXED(0),
    [BX_MINKEY] = FIXED(0),
};

/* Behind the NUL of the string at `p`, or NULL. */
static const uint8_t *cstring_end(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *nul = p == NULL || p >= end ? NULL : memchr(p, 0, (size_t)(end - p));

    return nul == NULL ? NULL : nul + 1;
}

const uint8_t *bx_value_end(uint8_t type, const uint8_t *p, const uint8_t *end)
{
    const bx_layout *layout = &bx_layouts[type];
    uint64_t size = layout->extra;

    if (!layout->known) return cstring_end(cstring_end(p, end), end); /* a regular expression */
    if (layout->counted) {
        if (end - p < 4 || (int32_t)bx_load32(p) < 0) return NULL;
        size += bx_load32(p);
    }
    return size < layout->least || size > (uint64_t)(end - p) ? NULL : p + size;
}

bx_skip_status bx_skip(const uint8_t *p, const uint8_t *end, bx_element *out)
{
    out->element = p;
    out->name = p + 1;
    out->value = cstring_end(p + 1, end);
    if (out->value == NULL) return BX_SKIP_NAME;
    if (!bx_is_known_type(*p)) return BX_SKIP_TYPE;
    out->next = bx_value_end(*p, out->value, end);
    return out->next == NULL ? BX_SKIP_VALUE : BX_SKIP_OK;
}
