/* DatetimeMS: a date as int64 milliseconds since 1970 UTC, any year. */
#include "core/datetime_bson.h"
#include "core/errors.h"
#include "types/types.h"

PyObject *bx_datetime_ms_new(bx_state *st, int64_t millis)
{
    bx_datetime_ms *self = PyObject_New(bx_datetime_ms, st->DatetimeMS);

    if (self != NULL) self->millis = millis;
    return (PyObject *)self;
}

static int read_int(PyObject *value, int64_t *millis)
{
    int overflow;

    *millis = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow == 0) return 0;
    PyErr_SetString(PyExc_OverflowError, "Must be a 64-bit integer of milliseconds");
    return -1;
}

static int datetime_ms_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"value", NULL};
    bx_datetime_ms *self = (bx_datetime_ms *)object;
    bx_state *st = bx_state_of_type(Py_TYPE(object));
    PyObject *value;

    if (st == NULL || !PyArg_ParseTupleAndKeywords(args, kwargs, "O:DatetimeMS", names, &value)) {
        return -1;
    }
    if (PyLong_Check(value)) return read_int(value, &self->millis);
    if (PyObject_TypeCheck(value, st->datetime->DateTimeType)) {
        return bx_bind(st) < 0 ? -1 : bx_datetime_to_millis(st, value, &self->millis);
    }
    PyErr_Format(PyExc_TypeError, "%R is not a valid type for DatetimeMS",
                 (PyObject *)Py_TYPE(value));
    return -1;
}

/* In the words of timedelta, as PyMongo has them here (and not in decoding). */
static BX_COLD void raise_out_of_range(bx_state *st, int64_t millis)
{
    int64_t days = millis / 86400000 - (millis % 86400000 < 0);
    PyObject *exception;

    if (days > INT32_MAX || days < INT32_MIN) {
        bx_invalid_bson(st, 0, "Python int too large to convert to C int" BX_DATETIME_HINT);
    } else if (days > 999999999 || days < -999999999) {
        bx_invalid_bson(st, 0, "days=%lld; must have magnitude <= 999999999" BX_DATETIME_HINT,
                        (long long)days);
    } else {
        bx_invalid_bson(st, 0, "date value out of range" BX_DATETIME_HINT);
    }
    exception = bx_take_exception();
    if (exception == NULL) return;
    if (PyObject_SetAttr(exception, st->s_offset, Py_None) < 0) PyErr_Clear();
    bx_raise_exception(exception);
}

static PyObject *as_datetime(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"codec_options", NULL};
    bx_state *st = bx_state_of_type(Py_TYPE(self));
    int64_t millis = ((bx_datetime_ms *)self)->millis;
    PyObject *codec_options = NULL, *result;
    bx_options *options;

    if (st == NULL || bx_bind(st) < 0 ||
        !PyArg_ParseTupleAndKeywords(args, kwargs, "|O:as_datetime", names, &codec_options)) {
        return NULL;
    }
    if (codec_options != NULL && !PyObject_TypeCheck(codec_options, st->CodecOptions)) {
        /* only an object that has this attribute is worth a better message */
        result = PyObject_GetAttrString(codec_options, "datetime_conversion");
        if (result == NULL) return NULL;
        Py_DECREF(result);
    }
    options = bx_options_get(st, codec_options == NULL ? st->default_codec_options
                                                       : codec_options);
    if (options == NULL) return NULL;
    result = bx_datetime_from_millis(st, options, millis);
    if (result == NULL && (PyErr_ExceptionMatches(PyExc_ValueError) ||
                           PyErr_ExceptionMatches(PyExc_OverflowError))) {
        PyErr_Clear();
        raise_out_of_range(st, millis);
    }
    Py_DECREF(options);
    return result;
}

static PyObject *get_value(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLongLong(((bx_datetime_ms *)self)->millis);
}

static PyObject *datetime_ms_int(PyObject *self)
{
    return get_value(self, NULL);
}

static PyObject *datetime_ms_repr(PyObject *self)
{
    PyObject *name = PyType_GetName(Py_TYPE(self));
    PyObject *result;

    if (name == NULL) return NULL;
    result = PyUnicode_FromFormat("%U(%lld)", name, (long long)((bx_datetime_ms *)self)->millis);
    Py_DECREF(name);
    return result;
}

/* Ordered with whatever an int is ordered with, but equal to its own kind only. */
static PyObject *compare_foreign(PyObject *self, PyObject *other, int op)
{
    PyObject *number, *result;

    if (op == Py_EQ || op == Py_NE) return PyBool_FromLong(op == Py_NE);
    number = get_value(self, NULL);
    if (number == NULL) return NULL;
    result = PyObject_RichCompare(number, other, op);
    Py_DECREF(number);
    return result;
}

static PyObject *datetime_ms_compare(PyObject *self, PyObject *other, int op)
{
    if (Py_TYPE(other) != Py_TYPE(self)) {
        bx_state *st = bx_state_of_type(Py_TYPE(self));

        if (st == NULL) return NULL;
        if (!PyObject_TypeCheck(other, st->DatetimeMS)) return compare_foreign(self, other, op);
    }
    return bx_compare_int64(((bx_datetime_ms *)self)->millis, ((bx_datetime_ms *)other)->millis,
                            op);
}

static Py_hash_t datetime_ms_hash(PyObject *self)
{
    PyObject *number = get_value(self, NULL);
    Py_hash_t hash;

    if (number == NULL) return -1;
    hash = PyObject_Hash(number);
    Py_DECREF(number);
    return hash;
}

/* The state of a class with one slot: (None, {"_value": millis}). */
static PyObject *datetime_ms_getstate(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return Py_BuildValue("(O{s:L})", Py_None, "_value",
                         (long long)((bx_datetime_ms *)self)->millis);
}

static PyObject *datetime_ms_setstate(PyObject *self, PyObject *state)
{
    PyObject *slots = state, *value;
    int64_t millis;
    int status;

    if (PyTuple_Check(state) && PyTuple_GET_SIZE(state) == 2) slots = PyTuple_GET_ITEM(state, 1);
    value = PyMapping_GetItemString(slots, "_value");
    if (value == NULL) return NULL;
    if (!PyLong_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "the state of a DatetimeMS must be an int");
        status = -1;
    } else {
        status = read_int(value, &millis);
    }
    Py_DECREF(value);
    if (status < 0) return NULL;
    ((bx_datetime_ms *)self)->millis = millis;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"as_datetime", (PyCFunction)(void (*)(void))as_datetime, METH_VARARGS | METH_KEYWORDS,
     "as_datetime($self, codec_options=None)\n--\n\n"
     "Return this as decoding with ``codec_options`` would; InvalidBSON out of range."},
    {"__getstate__", datetime_ms_getstate, METH_NOARGS, NULL},
    {"__setstate__", datetime_ms_setstate, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef properties[] = {
    {"_value", get_value, NULL, "The milliseconds.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static const char doc[] =
    "DatetimeMS(value)\n--\n\n"
    "A date as int64 milliseconds since the epoch, any year.\n\n"
    "``value`` is an int or a datetime (naive: UTC; microseconds are cut off). TypeError for\n"
    "other types, OverflowError beyond 64 bits.";

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)doc},
    {Py_tp_init, datetime_ms_init},
    {Py_tp_dealloc, bx_plain_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_repr, datetime_ms_repr},
    {Py_tp_richcompare, datetime_ms_compare},
    {Py_tp_hash, datetime_ms_hash},
    {Py_nb_int, datetime_ms_int},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "bsonx.datetime_ms.DatetimeMS",
    .basicsize = sizeof(bx_datetime_ms),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};

PyTypeObject *bx_datetime_ms_type(PyObject *module)
{
    return bx_create_type(module, &spec, NULL, BX_MARK_DATETIME);
}
