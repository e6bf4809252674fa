#include "csv/plan.h"

#define CAPSULE "bsonx.csv.plan"

static void free_plan(bx_csv_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        PyMem_Free(plan->columns[i].name);
        Py_XDECREF(plan->columns[i].nulls);
    }
    PyMem_Free(plan->columns);
    Py_XDECREF(plan->slow);
    PyMem_Free(plan);
}

static void free_capsule(PyObject *capsule)
{
    bx_csv_plan *plan = PyCapsule_GetPointer(capsule, CAPSULE);

    if (plan != NULL) free_plan(plan);
}

static int take_nulls(bx_csv_column *column, PyObject *nulls)
{
    if (!PyTuple_Check(nulls)) {
        PyErr_SetString(PyExc_TypeError, "nulls must be a tuple of bytes");
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(nulls); i++) {
        PyObject *text = PyTuple_GET_ITEM(nulls, i);

        if (!PyBytes_Check(text)) {
            PyErr_SetString(PyExc_TypeError, "nulls must be a tuple of bytes");
            return -1;
        }
        if (PyBytes_GET_SIZE(text) == 0) {
            column->null_is_empty = true;
        } else {
            uint8_t first = (uint8_t)*PyBytes_AS_STRING(text);

            column->null_first[first >> 6] |= UINT64_C(1) << (first & 63);
        }
    }
    column->nulls = Py_NewRef(nulls);
    return 0;
}

static int take_column(bx_csv_column *column, PyObject *item)
{
    PyObject *name, *nulls;
    int kind;

    if (!PyArg_ParseTuple(item, "SiO", &name, &kind, &nulls)) return -1;
    if (kind < 0 || kind >= BX_CSV_KINDS) {
        PyErr_SetString(PyExc_ValueError, "unknown type of a column");
        return -1;
    }
    column->kind = (bx_csv_kind)kind;
    column->name_size = (size_t)PyBytes_GET_SIZE(name) + 1;
    column->name = PyMem_Malloc(column->name_size);
    if (column->name == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(column->name, PyBytes_AS_STRING(name), column->name_size);
    if (memchr(column->name, 0, column->name_size - 1) != NULL) {
        PyErr_SetString(PyExc_ValueError, "the name of a column has a NUL");
        return -1;
    }
    return take_nulls(column, nulls);
}

static int take_columns(bx_csv_plan *plan, PyObject *columns)
{
    Py_ssize_t count;

    if (!PyTuple_Check(columns)) {
        PyErr_SetString(PyExc_TypeError, "columns must be a tuple");
        return -1;
    }
    count = PyTuple_GET_SIZE(columns);
    plan->columns = PyMem_Calloc((size_t)count + 1, sizeof *plan->columns);
    if (plan->columns == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        plan->count++; /* what is half made is freed, too */
        if (take_column(&plan->columns[i], PyTuple_GET_ITEM(columns, i)) < 0) return -1;
    }
    return 0;
}

static int check_plan(const bx_csv_plan *plan)
{
    bool good = plan->delimiter > 0 && plan->delimiter < 128 && plan->delimiter != '"' &&
                plan->delimiter != '\n' && plan->delimiter != '\r' &&
                (plan->newline == '\n' || plan->newline == '\r') && plan->id_column >= -1 &&
                (plan->point == '.' || plan->point == ',') &&
                plan->id_column < (Py_ssize_t)plan->count &&
                (plan->id_column < 0 || plan->columns[plan->id_column].kind != BX_CSV_SKIP);

    if (!good) PyErr_SetString(PyExc_ValueError, "no plan for CSV");
    return good ? 0 : -1;
}

PyObject *bx_csv_compile(const bx_csv_plan_arguments *arguments)
{
    bx_csv_plan *plan = PyMem_Calloc(1, sizeof *plan);
    PyObject *capsule = NULL;

    if (plan == NULL) return PyErr_NoMemory();
    plan->delimiter = (uint8_t)arguments->delimiter;
    plan->newline = (uint8_t)arguments->newline;
    plan->other = plan->newline == '\n' ? '\r' : '\n';
    plan->longest = (size_t)arguments->longest;
    plan->point = (uint8_t)arguments->point;
    plan->omit_nulls = arguments->omit_nulls;
    plan->id_needed = arguments->id_needed;
    plan->id_column = arguments->id_column;
    plan->slow = Py_NewRef(arguments->slow);
    plan->stops[plan->delimiter] = plan->stops['\n'] = plan->stops['\r'] = plan->stops[0] = true;
    if (take_columns(plan, arguments->columns) == 0 && check_plan(plan) == 0) {
        capsule = PyCapsule_New(plan, CAPSULE, free_capsule);
    }
    if (capsule == NULL) free_plan(plan);
    return capsule;
}

const bx_csv_plan *bx_csv_plan_of(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, CAPSULE);
}

bool bx_csv_is_null(const bx_csv_column *column, const uint8_t *text, size_t size)
{
    PyObject *nulls = column->nulls;

    if (size == 0) return column->null_is_empty;
    if (BX_LIKELY((column->null_first[*text >> 6] >> (*text & 63) & 1) == 0)) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(nulls); i++) {
        PyObject *null = PyTuple_GET_ITEM(nulls, i);

        if ((size_t)PyBytes_GET_SIZE(null) == size &&
            memcmp(PyBytes_AS_STRING(null), text, size) == 0) {
            return true;
        }
    }
    return false;
}
