/* Decimal128: two 64-bit words in binary integer decimal encoding. The arithmetic of the
 * conversions, rare and long, is the pure-Python module's. */
#include "types/types.h"

PyObject *bx_decimal128_new(bx_state *st, uint64_t high, uint64_t low)
{
    bx_decimal128 *self = PyObject_New(bx_decimal128, st->Decimal128);

    if (self != NULL) {
        self->high = high;
        self->low = low;
    }
    return (PyObject *)self;
}

/* Two words from a (high, low) sequence; -1 with an exception. */
static int read_words(PyObject *sequence, uint64_t *high, uint64_t *low)
{
    PyObject *pair = PySequence_Fast(sequence, "a pair of words is needed");
    unsigned long long words[2];

    if (pair == NULL) return -1;
    if (PySequence_Fast_GET_SIZE(pair) != 2) {
        Py_DECREF(pair);
        PyErr_SetString(PyExc_ValueError,
                        "Invalid size for creation of Decimal128 from list or tuple. Must have "
                        "exactly 2 elements.");
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        words[i] = PyLong_AsUnsignedLongLongMask(PySequence_Fast_GET_ITEM(pair, i));
        if (words[i] == (unsigned long long)-1 && PyErr_Occurred()) {
            Py_DECREF(pair);
            return -1;
        }
    }
    Py_DECREF(pair);
    *high = words[0];
    *low = words[1];
    return 0;
}

/* Call a function of the pure-Python module with a tuple of arguments: new reference. */
static PyObject *call_helper(const char *name, PyObject *args)
{
    PyObject *module = PyImport_ImportModule("bsonx._py.types.decimal128");
    PyObject *function, *result;

    if (module == NULL) return NULL;
    function = PyObject_GetAttrString(module, name);
    Py_DECREF(module);
    if (function == NULL) return NULL;
    result = PyObject_Call(function, args, NULL);
    Py_DECREF(function);
    return result;
}

static int is_decimal(PyObject *value)
{
    PyObject *module = PyImport_ImportModule("decimal");
    PyObject *type = module == NULL ? NULL : PyObject_GetAttrString(module, "Decimal");
    int result = type == NULL ? -1 : PyObject_IsInstance(value, type);

    Py_XDECREF(module);
    Py_XDECREF(type);
    return result;
}

static int read_value(PyObject *value, uint64_t *high, uint64_t *low)
{
    PyObject *args, *words;
    int status;

    if (PyTuple_Check(value) || PyList_Check(value)) return read_words(value, high, low);
    status = PyUnicode_Check(value) ? 1 : is_decimal(value);
    if (status < 0) return -1;
    if (status == 0) {
        PyErr_Format(PyExc_TypeError, "Cannot convert %R to Decimal128", value);
        return -1;
    }
    args = PyTuple_Pack(1, value);
    words = args == NULL ? NULL : call_helper("words_from_decimal", args);
    Py_XDECREF(args);
    if (words == NULL) return -1;
    status = read_words(words, high, low);
    Py_DECREF(words);
    return status;
}

static int decimal128_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"value", NULL};
    bx_decimal128 *self = (bx_decimal128 *)object;
    PyObject *value;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:Decimal128", names, &value)) return -1;
    return read_value(value, &self->high, &self->low);
}

static PyObject *get_words(PyObject *self)
{
    bx_decimal128 *d = (bx_decimal128 *)self;

    return Py_BuildValue("KK", (unsigned long long)d->high, (unsigned long long)d->low);
}

static PyObject *to_decimal(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    PyObject *words = get_words(self);
    PyObject *result;

    if (words == NULL) return NULL;
    result = call_helper("decimal_from_words", words);
    Py_DECREF(words);
    return result;
}

static PyObject *get_bid(PyObject *self, void *Py_UNUSED(closure))
{
    bx_decimal128 *d = (bx_decimal128 *)self;
    uint8_t bytes[16];

    bx_store64(bytes, d->low);
    bx_store64(bytes + 8, d->high);
    return PyBytes_FromStringAndSize((const char *)bytes, 16);
}

static PyObject *from_bid(PyTypeObject *cls, PyObject *const *args, Py_ssize_t n,
                          PyObject *names)
{
    PyObject *value = bx_one_argument("from_bid", "value", args, n, names);
    PyObject *pair, *result;
    const uint8_t *bytes;

    if (value == NULL) return NULL;
    if (!PyBytes_Check(value)) {
        PyErr_Format(PyExc_TypeError, "value must be an instance of bytes, not %R",
                     (PyObject *)Py_TYPE(value));
        return NULL;
    }
    if (PyBytes_GET_SIZE(value) != 16) {
        PyErr_SetString(PyExc_ValueError, "value must be exactly 16 bytes");
        return NULL;
    }
    bytes = (const uint8_t *)PyBytes_AS_STRING(value);
    pair = Py_BuildValue("KK", (unsigned long long)bx_load64(bytes + 8),
                         (unsigned long long)bx_load64(bytes));
    if (pair == NULL) return NULL;
    result = PyObject_CallOneArg((PyObject *)cls, pair);
    Py_DECREF(pair);
    return result;
}

BX_CLASS_METHOD(from_bid)

static PyObject *decimal128_getstate(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return get_words(self);
}

static PyObject *decimal128_setstate(PyObject *self, PyObject *state)
{
    bx_decimal128 *d = (bx_decimal128 *)self;

    if (read_words(state, &d->high, &d->low) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *decimal128_str(PyObject *self)
{
    PyObject *words = get_words(self);
    PyObject *result;

    if (words == NULL) return NULL;
    result = call_helper("text_from_words", words);
    Py_DECREF(words);
    return result;
}

static PyObject *decimal128_repr(PyObject *self)
{
    PyObject *text = decimal128_str(self);
    PyObject *result;

    if (text == NULL) return NULL;
    result = PyUnicode_FromFormat("Decimal128('%U')", text);
    Py_DECREF(text);
    return result;
}

static PyObject *decimal128_compare(PyObject *self, PyObject *other, int op)
{
    bx_decimal128 *a = (bx_decimal128 *)self, *b = (bx_decimal128 *)other;
    bool equal;

    if (op != Py_EQ && op != Py_NE) Py_RETURN_NOTIMPLEMENTED;
    if (Py_TYPE(other) != Py_TYPE(self)) {
        bx_state *st = bx_state_of_type(Py_TYPE(self));

        if (st == NULL) return NULL;
        if (!PyObject_TypeCheck(other, st->Decimal128)) Py_RETURN_NOTIMPLEMENTED;
    }
    equal = a->high == b->high && a->low == b->low;
    return PyBool_FromLong(equal == (op == Py_EQ));
}

static PyMethodDef methods[] = {
    {"to_decimal", to_decimal, METH_NOARGS,
     "to_decimal($self)\n--\n\nReturn the number as a ``decimal.Decimal``, exactly."},
    {"__getstate__", decimal128_getstate, METH_NOARGS, NULL},
    {"__setstate__", decimal128_setstate, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef class_methods[] = {
    BX_CLASS_METHOD_DEF(from_bid, "from_bid(cls, value)\n--\n\n"
                                  "Return the number of 16 stored bytes (little-endian)."),
};

static PyGetSetDef properties[] = {
    {"bid", get_bid, NULL, "The 16 stored bytes (little-endian).", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static const char doc[] =
    "Decimal128(value)\n--\n\n"
    "A decimal number of up to 34 digits, exactly as stored.\n\n"
    "``value`` is a str, a Decimal, or (high, low): two 64-bit words. TypeError for int and\n"
    "float; decimal.Inexact, Overflow or InvalidOperation if the value does not fit. Compared\n"
    "by the stored bits: ``1.0`` and ``1.00`` differ.";

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)doc},
    {Py_tp_init, decimal128_init},
    {Py_tp_dealloc, bx_plain_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_str, decimal128_str},
    {Py_tp_repr, decimal128_repr},
    {Py_tp_richcompare, decimal128_compare},
    {Py_tp_hash, PyObject_HashNotImplemented},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "bsonx.decimal128.Decimal128",
    .basicsize = sizeof(bx_decimal128),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};

PyTypeObject *bx_decimal128_type(PyObject *module)
{
    PyTypeObject *type = bx_create_type(module, &spec, NULL, BX_MARK_DECIMAL128);

    if (type == NULL) return NULL;
    if (PyObject_SetAttrString((PyObject *)type, "__hash__", Py_None) < 0 ||
        bx_add_classmethod(type, &class_methods[0]) < 0) {
        Py_DECREF(type);
        return NULL;
    }
    return type;
}
