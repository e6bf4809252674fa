/* Dicts of the documents of one kind, which have the same keys in the same order: they are copies
 * of one dict that has the keys already. That costs no hashing, no looking up and no growing; only the
 * values are put in.
 *
 * Direct mapped. An entry first notes the keys alone, and makes its dict when they come the next
 * time. Filling a copy needs CPython's layout of dicts (dict_layout.h). */
#ifndef BSONX_SHAPES_H
#define BSONX_SHAPES_H

#include "core/dict_layout.h"

#define BX_SHAPES_LOG2 8
#define BX_SHAPE_MOST 256 /* keys */

typedef struct {
    uint64_t hash; /* of the keys that were seen last, by their addresses */
    PyObject *dict; /* with these keys, all of them None; NULL: seen once */
} bx_shape;

typedef struct bx_shapes {
    bx_shape entries[1 << BX_SHAPES_LOG2];
    uint32_t misses, turn;
} bx_shapes;

/* Whether the next dict is to be looked for (not if there are no shapes: NULL). After so many in a
 * row that were not found only one of 16 is, until one is found again. */
#define BX_SHAPE_MISSES 256
BX_INLINE bool bx_shapes_pay(bx_shapes *shapes)
{
    if (shapes == NULL) return false;
    return BX_LIKELY(shapes->misses < BX_SHAPE_MISSES) || (++shapes->turn & 15) == 0;
}

void bx_shapes_clear(bx_shapes *shapes);

/* As bx_dict_of_pairs, but takes the references of the pairs if it returns a dict. */
PyObject *bx_dict_taking_pairs(PyObject *const *pairs, Py_ssize_t n);

#if BX_DICT_LAYOUT

/* Likewise, for keys that are not those of the shape, which takes note of them. */
PyObject *bx_shape_new(bx_shape *shape, uint64_t hash, PyObject *const *pairs, Py_ssize_t n);

/* Likewise, for any keys, which must be strs. */
BX_INLINE PyObject *bx_shape_dict(bx_shapes *shapes, PyObject *const *pairs, Py_ssize_t n)
{
    uint64_t hash = (uint64_t)n;
    bx_shape *shape;

    if (BX_UNLIKELY(n == 0 || n > BX_SHAPE_MOST)) return bx_dict_taking_pairs(pairs, n);
    for (Py_ssize_t i = 0; i < n; i++) {
        hash = (hash ^ (uintptr_t)pairs[2 * i]) * UINT64_C(0x9E3779B97F4A7C15);
    }
    shape = &shapes->entries[hash >> (64 - BX_SHAPES_LOG2)];
    if (BX_LIKELY(shape->hash == hash && shape->dict != NULL &&
                  bx_dict_has_keys(shape->dict, pairs, n))) {
        shapes->misses = 0;
        return bx_dict_filled(shape->dict, pairs, n);
    }
    if (shapes->misses < BX_SHAPE_MISSES) shapes->misses++;
    return bx_shape_new(shape, hash, pairs, n);
}

#else

BX_INLINE PyObject *bx_shape_dict(bx_shapes *shapes, PyObject *const *pairs, Py_ssize_t n)
{
    (void)shapes;
    return bx_dict_taking_pairs(pairs, n);
}

#endif

#endif
