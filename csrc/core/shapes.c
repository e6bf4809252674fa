/* Dicts that are copied from one with the same keys. */
#include "core/shapes.h"

#include "core/dict_layout.h"

void bx_shapes_clear(bx_shapes *shapes)
{
    for (size_t i = 0; i < (size_t)1 << BX_SHAPES_LOG2; i++) Py_CLEAR(shapes->entries[i].dict);
}

static PyObject *dict_taking_pairs(PyObject *const *pairs, Py_ssize_t n)
{
    PyObject *dict = bx_dict_of_pairs(pairs, n);

    if (dict == NULL) return NULL;
    for (Py_ssize_t i = 0; i < 2 * n; i++) Py_DECREF(pairs[i]);
    return dict;
}

#if BX_DICT_LAYOUT

/* Keys that came again become a shape; it keeps them alive, so that their addresses are theirs. */
static BX_NOINLINE PyObject *new_shape(bx_shape *shape, uint64_t hash, PyObject *const *pairs,
                                       Py_ssize_t n)
{
    PyObject *template = NULL;

    if (shape->hash == hash && shape->dict == NULL) {
        template = bx_dict_template(pairs, n);
        if (template == NULL) PyErr_Clear(); /* it can be done without */
    }
    shape->hash = hash;
    Py_XSETREF(shape->dict, template); /* making one may have run code that came here */
    return dict_taking_pairs(pairs, n);
}

PyObject *bx_shape_dict(bx_shapes *shapes, PyObject *const *pairs, Py_ssize_t n)
{
    uint64_t hash = (uint64_t)n;
    bx_shape *shape;

    if (BX_UNLIKELY(n == 0 || n > BX_SHAPE_MOST)) return dict_taking_pairs(pairs, n);
    for (Py_ssize_t i = 0; i < n; i++) {
        hash = (hash ^ (uintptr_t)pairs[2 * i]) * UINT64_C(0x9E3779B97F4A7C15);
    }
    shape = &shapes->entries[hash >> (64 - BX_SHAPES_LOG2)];
    if (BX_LIKELY(shape->hash == hash && shape->dict != NULL &&
                  bx_dict_has_keys(shape->dict, pairs, n))) {
        return bx_dict_filled(shape->dict, pairs, n);
    }
    return new_shape(shape, hash, pairs, n);
}

#else

PyObject *bx_shape_dict(bx_shapes *shapes, PyObject *const *pairs, Py_ssize_t n)
{
    (void)shapes;
    return dict_taking_pairs(pairs, n);
}

#endif
