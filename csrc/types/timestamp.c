/* Timestamp: a moment of the server's log, seconds and a counter within the second. */
#include "core/datetime_bson.h"
#include "types/types.h"

PyObject *bx_timestamp_new(bx_state *st, uint32_t time, uint32_t inc)
{
    bx_timestamp *self = PyObject_New(bx_timestamp, st->Timestamp);

    if (self != NULL) {
        self->time = time;
        self->inc = inc;
        self->time_is_bool = self->inc_is_bool = false;
    }
    return (PyObject *)self;
}

static int read_u32(PyObject *object, const char *name, uint32_t *out)
{
    int overflow;
    long long value;

    if (!PyLong_Check(object)) {
        PyErr_Format(PyExc_TypeError, "%s must be an instance of int, not %R", name,
                     (PyObject *)Py_TYPE(object));
        return -1;
    }
    value = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow != 0 || value < 0 || value > UINT32_MAX) {
        PyErr_Format(PyExc_ValueError, "%s must be contained in [0, 2**32)", name);
        return -1;
    }
    *out = (uint32_t)value;
    return 0;
}

/* Both words; types are looked at before ranges. */
static int read_words(bx_state *st, PyObject *time, PyObject *inc, uint32_t *seconds,
                      uint32_t *count)
{
    bool is_moment = PyObject_TypeCheck(time, st->datetime->DateTimeType);
    int64_t moment = 0;

    if (is_moment && (bx_bind(st) < 0 || bx_datetime_to_seconds(st, time, &moment) < 0)) {
        return -1;
    }
    if (!PyLong_Check(inc) && (is_moment || PyLong_Check(time))) {
        return read_u32(inc, "inc", count);
    }
    if (!is_moment) {
        if (read_u32(time, "time", seconds) < 0) return -1;
    } else if (moment < 0 || moment > UINT32_MAX) {
        PyErr_SetString(PyExc_ValueError, "time must be contained in [0, 2**32)");
        return -1;
    } else {
        *seconds = (uint32_t)moment;
    }
    return read_u32(inc, "inc", count);
}

static int timestamp_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"time", "inc", NULL};
    bx_timestamp *self = (bx_timestamp *)object;
    bx_state *st = bx_state_of_type(Py_TYPE(object));
    PyObject *time, *inc;
    uint32_t seconds = 0, count = 0;

    if (st == NULL ||
        !PyArg_ParseTupleAndKeywords(args, kwargs, "OO:Timestamp", names, &time, &inc)) {
        return -1;
    }
    if (read_words(st, time, inc, &seconds, &count) < 0) return -1;
    self->time = seconds;
    self->inc = count;
    self->time_is_bool = PyBool_Check(time);
    self->inc_is_bool = PyBool_Check(inc);
    return 0;
}

static PyObject *number(uint32_t value, bool is_bool)
{
    return is_bool ? PyBool_FromLong((long)value) : PyLong_FromUnsignedLong(value);
}

static PyObject *get_time(PyObject *self, void *Py_UNUSED(closure))
{
    return number(((bx_timestamp *)self)->time, ((bx_timestamp *)self)->time_is_bool);
}

static PyObject *get_inc(PyObject *self, void *Py_UNUSED(closure))
{
    return number(((bx_timestamp *)self)->inc, ((bx_timestamp *)self)->inc_is_bool);
}

static PyObject *as_datetime(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    bx_state *st = bx_state_of_type(Py_TYPE(self));

    if (st == NULL || bx_bind(st) < 0) return NULL;
    return bx_datetime_utc(st, (int64_t)((bx_timestamp *)self)->time * 1000);
}

static PyObject *timestamp_getstate(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    bx_timestamp *t = (bx_timestamp *)self;

    return Py_BuildValue("{s:I,s:I}", "_Timestamp__inc", (unsigned)t->inc, "_Timestamp__time",
                         (unsigned)t->time);
}

static int state_item(PyObject *state, const char *key, const char *name, uint32_t *out)
{
    PyObject *item = PyMapping_GetItemString(state, key);
    int status;

    if (item == NULL) return -1;
    status = read_u32(item, name, out);
    Py_DECREF(item);
    return status;
}

static PyObject *timestamp_setstate(PyObject *self, PyObject *state)
{
    uint32_t time, inc;

    if (state_item(state, "_Timestamp__inc", "inc", &inc) < 0 ||
        state_item(state, "_Timestamp__time", "time", &time) < 0) {
        return NULL;
    }
    ((bx_timestamp *)self)->time = time;
    ((bx_timestamp *)self)->inc = inc;
    Py_RETURN_NONE;
}

static PyObject *timestamp_repr(PyObject *self)
{
    PyObject *time = get_time(self, NULL), *inc = get_inc(self, NULL);
    PyObject *text = NULL;

    if (time != NULL && inc != NULL) text = PyUnicode_FromFormat("Timestamp(%S, %S)", time, inc);
    Py_XDECREF(time);
    Py_XDECREF(inc);
    return text;
}

static PyObject *timestamp_compare(PyObject *self, PyObject *other, int op)
{
    bx_timestamp *a = (bx_timestamp *)self, *b = (bx_timestamp *)other;
    uint64_t left, right;

    if (Py_TYPE(other) != Py_TYPE(self)) {
        bx_state *st = bx_state_of_type(Py_TYPE(self));

        if (st == NULL) return NULL;
        if (!PyObject_TypeCheck(other, st->Timestamp)) Py_RETURN_NOTIMPLEMENTED;
    }
    left = (uint64_t)a->time << 32 | a->inc;
    right = (uint64_t)b->time << 32 | b->inc;
    Py_RETURN_RICHCOMPARE(left, right, op);
}

static Py_hash_t timestamp_hash(PyObject *self)
{
    bx_timestamp *t = (bx_timestamp *)self;

    return (Py_hash_t)(t->time ^ t->inc);
}

static PyMethodDef methods[] = {
    {"as_datetime", as_datetime, METH_NOARGS,
     "as_datetime($self)\n--\n\nReturn the second as an aware datetime in UTC."},
    {"__getstate__", timestamp_getstate, METH_NOARGS, NULL},
    {"__setstate__", timestamp_setstate, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef properties[] = {
    {"time", get_time, NULL, "Seconds since the epoch.", NULL},
    {"inc", get_inc, NULL, "The counter within the second.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static const char doc[] =
    "Timestamp(time, inc)\n--\n\n"
    "A moment of the server's log: ``time`` in seconds and a counter ``inc`` within the second.\n\n"
    "``time`` may be a datetime (naive: UTC). TypeError for other types, ValueError outside\n"
    "0 to 2**32 - 1.";

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)doc},
    {Py_tp_init, timestamp_init},
    {Py_tp_dealloc, bx_plain_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_repr, timestamp_repr},
    {Py_tp_richcompare, timestamp_compare},
    {Py_tp_hash, timestamp_hash},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "bsonx.timestamp.Timestamp",
    .basicsize = sizeof(bx_timestamp),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};

PyTypeObject *bx_timestamp_type(PyObject *module)
{
    return bx_create_type(module, &spec, NULL, BX_MARK_TIMESTAMP);
}
