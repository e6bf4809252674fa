/* Plans of columns, and arrays compared with them. */
#include "arrow/column.h"

#include <stdarg.h>

/* No array in memory is longer; sums and products of positions stay far from the end of int64. */
#define LONGEST (INT64_C(1) << 56)

int bx_arrow_error(bx_state *st, PyObject *path, PyObject *row, PyObject *text)
{
    PyObject *error;

    if (text == NULL) return -1;
    error = PyObject_CallFunctionObjArgs(st->ArrowError, text, path, row, NULL);
    Py_DECREF(text);
    if (error != NULL) PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    return -1;
}

int bx_arrow_bad_array(bx_state *st, const bx_column *column, const char *format, ...)
{
    va_list args;
    PyObject *text;

    va_start(args, format);
    text = PyUnicode_FromFormatV(format, args);
    va_end(args);
    return bx_arrow_error(st, column->path, Py_None, text);
}

/* ---- plans ---- */

static void clear(bx_column *column)
{
    for (int i = 0; i < column->n_children; i++) clear(&column->children[i]);
    PyMem_Free(column->children);
}

void bx_column_free(bx_column *column)
{
    if (column == NULL) return;
    clear(column);
    PyMem_Free(column);
}

/* Fill a column that is all zeros; what was filled when it fails is for `clear`. */
static int fill(bx_column *column, PyObject *plan, int depth)
{
    PyObject *name, *type_ids, *children;
    long long a, b;
    int kind;

    if (!PyTuple_Check(plan)) {
        PyErr_SetString(PyExc_TypeError, "a plan is a tuple");
        return -1;
    }
    if (!PyArg_ParseTuple(plan, "iLLSUSO!", &kind, &a, &b, &name, &column->path, &type_ids,
                          &PyTuple_Type, &children)) {
        return -1;
    }
    if (kind < 0 || kind >= BX_A_KINDS || depth > BX_ARROW_DEPTH ||
        (kind == BX_A_UNION && PyBytes_GET_SIZE(type_ids) != 128)) {
        PyErr_SetString(PyExc_ValueError, "not a plan of a column");
        return -1;
    }
    column->kind = (uint8_t)kind;
    column->a = a;
    column->b = b;
    column->name = (const uint8_t *)PyBytes_AS_STRING(name);
    column->name_size = (size_t)PyBytes_GET_SIZE(name) + 1;
    column->type_ids = (const uint8_t *)PyBytes_AS_STRING(type_ids);
    if (PyTuple_GET_SIZE(children) == 0) return 0;
    column->children = PyMem_Calloc((size_t)PyTuple_GET_SIZE(children), sizeof(bx_column));
    if (column->children == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(children); i++) {
        column->n_children = (int)i + 1;
        if (fill(&column->children[i], PyTuple_GET_ITEM(children, i), depth + 1) < 0) return -1;
    }
    return 0;
}

/* How many children the kind has; -1: any number. */
static int children_of(int kind)
{
    switch (kind) {
    case BX_A_LIST:
    case BX_A_LIST_VIEW:
    case BX_A_FIXED_LIST:
    case BX_A_DICTIONARY:
    case BX_A_MAP: return 1;
    case BX_A_RUNS: return 2;
    case BX_A_STRUCT:
    case BX_A_UNION: return -1;
    default: return 0;
    }
}

static bool is_sound(const bx_column *column)
{
    int wanted = children_of(column->kind);

    if (wanted >= 0 && column->n_children != wanted) return false;
    if (column->kind == BX_A_MAP && (column->children[0].kind != BX_A_STRUCT ||
                                     column->children[0].n_children != 2)) {
        return false;
    }
    if (column->kind == BX_A_UNION) {
        for (int i = 0; i < 128; i++) {
            uint8_t child = column->type_ids[i];

            if (child != 255 && child >= column->n_children) return false;
        }
    }
    if ((column->kind == BX_A_FIXED || column->kind == BX_A_FIXED_LIST) && column->a < 0) {
        return false;
    }
    for (int i = 0; i < column->n_children; i++) {
        if (!is_sound(&column->children[i])) return false;
    }
    return true;
}

bx_column *bx_column_new(PyObject *plan)
{
    bx_column *column = PyMem_Calloc(1, sizeof(bx_column));

    if (column == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    if (fill(column, plan, 0) < 0) {
        bx_column_free(column);
        return NULL;
    }
    if (!is_sound(column)) {
        bx_column_free(column);
        PyErr_SetString(PyExc_ValueError, "not a plan of a column");
        return NULL;
    }
    return column;
}

/* ---- arrays ---- */

/* How many buffers an array of the kind has; -1 for views, which have any number of them. */
static int buffers_of(const bx_column *c)
{
    switch (c->kind) {
    case BX_A_NULL:
    case BX_A_RUNS: return 0;
    case BX_A_STRUCT:
    case BX_A_FIXED_LIST: return 1;
    case BX_A_TEXT:
    case BX_A_BINARY:
    case BX_A_LIST_VIEW: return 3;
    case BX_A_TEXT_VIEW:
    case BX_A_BINARY_VIEW: return -1;
    case BX_A_UNION: return c->a ? 2 : 1;
    default: return 2;
    }
}

/* Buffers and the like of one array, but for what depends on the kind. */
static int check_shape(bx_state *st, bx_column *c, const struct ArrowArray *array)
{
    int buffers = buffers_of(c);
    int children = c->kind == BX_A_DICTIONARY ? 0 : c->n_children;

    if (array->release == NULL) return bx_arrow_bad_array(st, c, "the array has been released");
    if (array->length < 0 || array->offset < 0 || array->length > LONGEST ||
        array->offset > LONGEST) {
        return bx_arrow_bad_array(st, c, "an array of length %lld at offset %lld",
                                  (long long)array->length, (long long)array->offset);
    }
    if (array->null_count < -1 || array->null_count > array->length) {
        return bx_arrow_bad_array(st, c, "%lld of %lld values are null",
                                  (long long)array->null_count, (long long)array->length);
    }
    if (array->n_children != children || (children > 0 && array->children == NULL)) {
        return bx_arrow_bad_array(st, c, "the array has %lld children, its type has %d",
                                  (long long)array->n_children, children);
    }
    if ((c->kind == BX_A_DICTIONARY) != (array->dictionary != NULL)) {
        return bx_arrow_bad_array(st, c,
                                  "a dictionary is there and not in the type, or the reverse");
    }
    if (buffers >= 0 ? array->n_buffers != buffers : array->n_buffers < 3) {
        return bx_arrow_bad_array(st, c, "the array has %lld buffers, its type has %d",
                                  (long long)array->n_buffers, buffers < 0 ? 3 : buffers);
    }
    if (array->n_buffers > 0 && array->buffers == NULL) {
        return bx_arrow_bad_array(st, c, "the array has no buffers");
    }
    return 0;
}

static bool has_validity(int kind)
{
    return kind != BX_A_NULL && kind != BX_A_UNION && kind != BX_A_RUNS;
}

static int check_validity(bx_state *st, bx_column *c, const struct ArrowArray *array)
{
    c->validity = NULL;
    if (!has_validity(c->kind) || array->null_count == 0) return 0;
    c->validity = array->buffers[0];
    if (c->validity == NULL && array->null_count > 0) {
        return bx_arrow_bad_array(st, c, "values are null, but the array does not say which");
    }
    return 0;
}

/* The last of the offsets, which is how long the data are. */
static int64_t last_offset(const bx_column *c)
{
    return bx_offset_at(c->values, c->a, c->length);
}

static int bind_buffers(bx_state *st, bx_column *c, const struct ArrowArray *array)
{
    const void *const *buffers = (const void *const *)array->buffers;
    int64_t n = array->n_buffers;

    c->values = c->data = NULL;
    c->sizes = NULL;
    c->buffers = NULL;
    c->n_buffers = 0;
    if (n <= 1 && c->kind != BX_A_UNION) return 0;
    c->values = buffers[c->kind == BX_A_UNION ? 0 : 1];
    if (c->values == NULL && array->length > 0 &&
        !(c->kind == BX_A_FIXED && c->a == 0)) {
        return bx_arrow_bad_array(st, c, "the array has values, but no buffer of them");
    }
    switch (c->kind) {
    case BX_A_TEXT:
    case BX_A_BINARY:
        c->data = buffers[2];
        c->limit = array->length > 0 ? last_offset(c) : 0;
        if (c->limit < 0 || (c->limit > 0 && c->data == NULL)) {
            return bx_arrow_bad_array(st, c, "the data end at %lld", (long long)c->limit);
        }
        return 0;
    case BX_A_TEXT_VIEW:
    case BX_A_BINARY_VIEW:
        c->buffers = buffers + 2;
        c->n_buffers = n - 3;
        c->sizes = buffers[n - 1];
        if (c->n_buffers > 0 && c->sizes == NULL) {
            return bx_arrow_bad_array(st, c, "the array does not say how long its data are");
        }
        return 0;
    case BX_A_LIST_VIEW:
    case BX_A_UNION:
        if (n == 1) return 0;
        c->sizes = buffers[c->kind == BX_A_UNION ? 1 : 2];
        if (c->sizes == NULL && array->length > 0) {
            return bx_arrow_bad_array(st, c, "a buffer is missing");
        }
        return 0;
    default: return 0;
    }
}

/* What the children of an array must have so that all of its values can be found in them. Those of
 * lists and of dense unions are checked value by value. */
static int check_children(bx_state *st, bx_column *c)
{
    for (int i = 0; i < c->n_children; i++) {
        const bx_column *child = &c->children[i];
        int64_t has = child->length - child->offset;
        int64_t needs = c->kind == BX_A_STRUCT || (c->kind == BX_A_UNION && !c->a) ? c->length : 0;

        if (c->kind == BX_A_FIXED_LIST) {
            if (c->a > 0 && c->length > has / c->a) needs = has + 1;
        }
        if (needs > has) {
            return bx_arrow_bad_array(st, child, "%lld values are too few for %lld",
                                      (long long)has, (long long)c->length);
        }
    }
    return 0;
}

/* Run ends rise, and the last of them is behind the last value. */
static int check_runs(bx_state *st, bx_column *c)
{
    const bx_column *ends = &c->children[0];
    const bx_column *values = &c->children[1];
    int64_t n = ends->length - ends->offset;
    int64_t before = 0;

    if (values->length - values->offset < n) {
        return bx_arrow_bad_array(st, c, "there are fewer values than runs");
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t at = ends->offset + i;
        int64_t end = bx_index_at(ends->values, c->a, at);

        if (end <= before || bx_is_null_at(ends, at)) {
            return bx_arrow_bad_array(st, c, "run %lld ends at %lld, the one before at %lld",
                                      (long long)i, (long long)end, (long long)before);
        }
        before = end;
    }
    if (c->length > c->offset && before < c->length) {
        return bx_arrow_bad_array(st, c, "the runs end at %lld, the array at %lld",
                                  (long long)before, (long long)c->length);
    }
    c->run = 0;
    return 0;
}

int bx_column_bind(bx_state *st, bx_column *c, const struct ArrowArray *array)
{
    if (check_shape(st, c, array) < 0) return -1;
    c->offset = array->offset;
    c->length = array->offset + array->length;
    if (check_validity(st, c, array) < 0 || bind_buffers(st, c, array) < 0) return -1;
    for (int i = 0; i < c->n_children; i++) {
        const struct ArrowArray *child =
            c->kind == BX_A_DICTIONARY ? array->dictionary : array->children[i];

        if (child == NULL) return bx_arrow_bad_array(st, &c->children[i], "the array is missing");
        if (bx_column_bind(st, &c->children[i], child) < 0) return -1;
    }
    if (c->kind == BX_A_RUNS) return check_runs(st, c);
    return check_children(st, c);
}
