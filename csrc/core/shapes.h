/* Dicts of the documents of one kind, which have the same keys in the same order: they are copies of
 * one dict that has the keys already. That costs no hashing, no looking up and no growing; only the
 * values are put in.
 *
 * Direct mapped. An entry first notes the keys alone, and makes its dict when they come the next
 * time. Filling a copy needs CPython's layout of dicts (dict_layout.h). */
#ifndef BSONX_SHAPES_H
#define BSONX_SHAPES_H

#include "core/common.h"

#define BX_SHAPES_LOG2 8
#define BX_SHAPE_MOST 256 /* keys */

typedef struct {
    uint64_t hash; /* of the keys that were seen last, by their addresses */
    PyObject *dict; /* with these keys, all of them None; NULL: seen once */
} bx_shape;

typedef struct bx_shapes {
    bx_shape entries[1 << BX_SHAPES_LOG2];
} bx_shapes;

void bx_shapes_clear(bx_shapes *shapes);

/* As bx_dict_of_pairs, for keys that are str, but takes the references of the pairs that it returns
 * a dict for. */
PyObject *bx_shape_dict(bx_shapes *shapes, PyObject *const *pairs, Py_ssize_t n);

#endif
