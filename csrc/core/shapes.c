/* Dicts that are copied from one with the same keys. */
#include "core/shapes.h"

void bx_shapes_clear(bx_shapes *shapes)
{
    for (size_t i = 0; i < (size_t)1 << BX_SHAPES_LOG2; i++) Py_CLEAR(shapes->entries[i].dict);
}

PyObject *bx_dict_taking_pairs(PyObject *const *pairs, Py_ssize_t n)
{
    PyObject *dict = bx_dict_of_pairs(pairs, n);

    if (dict == NULL) return NULL;
    for (Py_ssize_t i = 0; i < 2 * n; i++) Py_DECREF(pairs[i]);
    return dict;
}

#if BX_DICT_LAYOUT

/* Keys that came again become a shape; it keeps them alive, so that their addresses are theirs. */
PyObject *bx_shape_new(bx_shape *shape, uint64_t hash, PyObject *const *pairs, Py_ssize_t n)
{
    PyObject *template = NULL;

    if (shape->hash == hash && shape->dict == NULL) {
        template = bx_dict_template(pairs, n);
        if (template == NULL) PyErr_Clear(); /* it can be done without */
    }
    shape->hash = hash;
    Py_XSETREF(shape->dict, template); /* making one may have run code that came here */
    return bx_dict_taking_pairs(pairs, n);
}

#endif
