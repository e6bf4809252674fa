/* A growing output buffer. Small outputs stay on the C stack and are copied once into a bytes
 * object; larger ones are written straight into a bytes object that is shrunk at the end. */
#ifndef BSONX_WRITER_H
#define BSONX_WRITER_H

#include "core/common.h"

#define BX_WRITER_STACK 2048

/* Every reservation leaves this many bytes more. */
#define BX_WRITER_SLACK 16

/* Twice or four times as much is still a size of a bytes object, in 32 bits too. */
#define BX_WRITER_MOST ((size_t)PY_SSIZE_T_MAX / 4)

#define BX_TOO_LARGE "Document would overflow BSON size limit"

typedef struct {
    uint8_t *p;     /* next byte to write */
    uint8_t *end;   /* end of the reserved space */
    uint8_t *base;  /* start of the output */
    PyObject *bytes; /* the bytes object behind `base`, or NULL while on the stack */
    PyObject *refusal; /* borrowed: the exception for BSON that grows too large; NULL: no BSON */
    uint8_t stack[BX_WRITER_STACK];
} bx_writer;

/* BSON cannot be larger than an int32 can say: this is found before there is room for it, and
 * `refusal` (borrowed) raised. NULL for an output of another kind. */
BX_INLINE void bx_writer_init(bx_writer *w, PyObject *refusal)
{
    w->p = w->base = w->stack;
    w->end = w->stack + BX_WRITER_STACK - BX_WRITER_SLACK;
    w->bytes = NULL;
    w->refusal = refusal;
}

/* Make room for `size` more bytes; -1 with MemoryError or the refusal. */
int bx_writer_grow(bx_writer *w, size_t size);

/* The output as a new bytes object; NULL with an exception. Ends the writer. */
PyObject *bx_writer_finish(bx_writer *w);

/* Throw the output away. Ends the writer. */
BX_INLINE void bx_writer_abandon(bx_writer *w)
{
    Py_CLEAR(w->bytes);
}

BX_INLINE int bx_writer_reserve(bx_writer *w, size_t size)
{
    if (BX_UNLIKELY((size_t)(w->end - w->p) < size)) return bx_writer_grow(w, size);
    return 0;
}

BX_INLINE size_t bx_writer_size(const bx_writer *w)
{
    return (size_t)(w->p - w->base);
}

/* Append without checking: the caller has reserved the space. */
BX_INLINE void bx_put_u8(bx_writer *w, uint8_t v)
{
    *w->p++ = v;
}

BX_INLINE void bx_put_u32(bx_writer *w, uint32_t v)
{
    bx_store32(w->p, v);
    w->p += 4;
}

BX_INLINE void bx_put_u64(bx_writer *w, uint64_t v)
{
    bx_store64(w->p, v);
    w->p += 8;
}

BX_INLINE void bx_put_bytes(bx_writer *w, const void *data, size_t size)
{
    memcpy(w->p, data, size);
    w->p += size;
}

/* Start a length-prefixed block: returns where its 4-byte size goes. Space must be reserved. */
BX_INLINE size_t bx_put_size_later(bx_writer *w)
{
    size_t at = bx_writer_size(w);

    w->p += 4;
    return at;
}

BX_INLINE void bx_patch_u32(bx_writer *w, size_t at, uint32_t v)
{
    bx_store32(w->base + at, v);
}

#endif
