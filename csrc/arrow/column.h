/* Columns: a plan of what their values are, and the array at hand, checked. */
#ifndef BSONX_ARROW_COLUMN_H
#define BSONX_ARROW_COLUMN_H

#include "arrow/abi.h"
#include "arrow/kinds.h"
#include "core/state.h"
#include "core/utf8.h"

typedef struct bx_column {
    uint8_t kind;
    int64_t a, b;            /* parameters of the kind */
    const uint8_t *name;     /* with its NUL; of an object that the plan keeps */
    size_t name_size;        /* NUL included */
    PyObject *path;          /* for errors: a str that the plan keeps */
    const uint8_t *type_ids; /* of a union: 128 bytes, the child of each type id; 255: none */
    struct bx_column *children;
    int n_children;

    /* the array at hand */
    int64_t length;          /* its offset included: what children of it must have */
    int64_t offset;
    const uint8_t *validity; /* NULL: no value is null */
    const void *values;      /* values, indices, offsets or views */
    const uint8_t *data;     /* what offsets lead to */
    int64_t limit;           /* the end of that, as far as it is known */
    const void *sizes;       /* of views: of lists, or of the data buffers */
    const void *const *buffers; /* of views: the data buffers */
    int64_t n_buffers;
    int64_t run;             /* of runs: where the last value was found */
} bx_column;

/* Make a column of a plan: (kind, a, b, name: bytes, path: str, type_ids: bytes, children: tuple).
 * The plan must outlive it. NULL with an exception. */
bx_column *bx_column_new(PyObject *plan);

void bx_column_free(bx_column *column);

/* Take an array: its structure is compared with the plan. What is wrong is raised as ArrowError;
 * -1. The array must outlive the use. */
int bx_column_bind(bx_state *st, bx_column *column, const struct ArrowArray *array);

/* Raise ArrowError("column ...: ...") with .column. Always -1. */
BX_COLD int bx_arrow_bad_array(bx_state *st, const bx_column *column, const char *format, ...);

/* Raise ArrowError(text). Always -1. */
BX_COLD int bx_arrow_error(bx_state *st, PyObject *path, PyObject *row, PyObject *text);

/* Whether bytes are UTF-8. */
BX_INLINE bool bx_is_text(const uint8_t *p, size_t n)
{
    return BX_LIKELY(bx_is_ascii(p, n)) || bx_utf8_is_valid(p, n);
}

/* Whether value `i` (the offset included) is null by the bitmap. */
BX_INLINE bool bx_is_null_at(const bx_column *c, int64_t i)
{
    return c->validity != NULL && (c->validity[i >> 3] >> (i & 7) & 1) == 0;
}

/* Value `i` of a buffer, which need not be aligned. */
#define BX_VALUE_AT(name, type)                                                                   \
    BX_INLINE type bx_##name##_at(const void *values, int64_t i)                                  \
    {                                                                                             \
        type value;                                                                               \
                                                                                                  \
        memcpy(&value, (const uint8_t *)values + (size_t)i * sizeof(type), sizeof(type));         \
        return value;                                                                             \
    }

BX_VALUE_AT(i8, int8_t)
BX_VALUE_AT(u8, uint8_t)
BX_VALUE_AT(i16, int16_t)
BX_VALUE_AT(u16, uint16_t)
BX_VALUE_AT(i32, int32_t)
BX_VALUE_AT(u32, uint32_t)
BX_VALUE_AT(i64, int64_t)
BX_VALUE_AT(u64, uint64_t)
BX_VALUE_AT(f32, float)
BX_VALUE_AT(f64, double)

/* An offset or size of 32 or 64 bits. */
BX_INLINE int64_t bx_offset_at(const void *values, int64_t bits, int64_t i)
{
    return bits == 64 ? bx_i64_at(values, i) : bx_i32_at(values, i);
}

/* An index of a dictionary, or the end of a run; `kind` is that of an integer. */
BX_INLINE int64_t bx_index_at(const void *values, int64_t kind, int64_t i)
{
    switch (kind) {
    case BX_A_INT8: return bx_i8_at(values, i);
    case BX_A_UINT8: return bx_u8_at(values, i);
    case BX_A_INT16: return bx_i16_at(values, i);
    case BX_A_UINT16: return bx_u16_at(values, i);
    case BX_A_UINT32: return bx_u32_at(values, i);
    case BX_A_INT32: return bx_i32_at(values, i);
    default: return bx_i64_at(values, i); /* of uint64 the negative ones are no index either */
    }
}

#endif
