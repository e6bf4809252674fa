/* ObjectId: 4 bytes of seconds, 5 random bytes, a 3-byte counter, big-endian. */
#include <time.h>

#include "core/datetime_bson.h"
#include "core/hex.h"
#include "types/types.h"

/* ---- generation ---- */

/* 8 random bytes; -1 with an exception. */
static int draw(uint8_t *bytes)
{
    PyObject *os = PyImport_ImportModule("os");
    PyObject *random;

    if (os == NULL) return -1;
    random = PyObject_CallMethod(os, "urandom", "i", 8);
    Py_DECREF(os);
    if (random == NULL) return -1;
    if (!PyBytes_Check(random) || PyBytes_GET_SIZE(random) != 8) {
        PyErr_SetString(PyExc_RuntimeError, "os.urandom did not give 8 bytes");
        Py_DECREF(random);
        return -1;
    }
    memcpy(bytes, PyBytes_AS_STRING(random), 8);
    Py_DECREF(random);
    return 0;
}

/* Make the generator of this process, unless another thread has done so meanwhile. */
static BX_COLD bx_oid_generator *new_generator(bx_state *st)
{
    bx_oid_generator *g;
    uint8_t random[8];

    if (draw(random) < 0) return NULL;
    g = PyMem_Malloc(sizeof *g);
    if (g == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    memcpy(g->random, random, 5);
    g->counter = (uint32_t)random[5] << 16 | (uint32_t)random[6] << 8 | random[7];
    if (!bx_publish_pointer(&st->oids, g)) PyMem_Free(g);
    return bx_load_pointer(&st->oids);
}

int bx_objectid_generate(bx_state *st, uint8_t *bytes)
{
    bx_oid_generator *g = bx_load_pointer(&st->oids);
    uint32_t seconds = (uint32_t)time(NULL);
    uint32_t count;

    if (BX_UNLIKELY(g == NULL) && (g = new_generator(st)) == NULL) return -1;
    count = bx_add_u32(&g->counter, 1);
    bytes[0] = (uint8_t)(seconds >> 24);
    bytes[1] = (uint8_t)(seconds >> 16);
    bytes[2] = (uint8_t)(seconds >> 8);
    bytes[3] = (uint8_t)seconds;
    memcpy(bytes + 4, g->random, 5);
    bytes[9] = (uint8_t)(count >> 16);
    bytes[10] = (uint8_t)(count >> 8);
    bytes[11] = (uint8_t)count;
    return 0;
}

/* The child has no other threads that could be using it. */
void bx_objectid_after_fork(bx_state *st)
{
    PyMem_Free(st->oids);
    st->oids = NULL;
}

/* ---- construction ---- */

static BX_COLD int invalid_id(bx_state *st, PyObject *oid)
{
    if (bx_bind(st) < 0) return -1;
    PyErr_Format(st->InvalidId,
                 "%R is not a valid ObjectId, it must be a 12-byte input or a 24-character hex "
                 "string",
                 oid);
    return -1;
}

static int parse_hex(bx_state *st, PyObject *text, uint8_t *bytes)
{
    if (PyUnicode_GET_LENGTH(text) != 24) return invalid_id(st, text);
    for (int i = 0; i < 12; i++) {
        int high = bx_hex_digit(PyUnicode_READ_CHAR(text, 2 * i));
        int low = bx_hex_digit(PyUnicode_READ_CHAR(text, 2 * i + 1));

        if (high < 0 || low < 0) return invalid_id(st, text);
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

/* Read the 12 bytes that `oid` stands for. */
static int read_oid(bx_state *st, PyObject *oid, uint8_t *bytes)
{
    if (oid == NULL || oid == Py_None) return bx_objectid_generate(st, bytes);
    if (PyObject_TypeCheck(oid, st->ObjectId)) {
        memcpy(bytes, ((bx_objectid *)oid)->bytes, 12);
        return 0;
    }
    if (PyBytes_Check(oid) && PyBytes_GET_SIZE(oid) == 12) {
        memcpy(bytes, PyBytes_AS_STRING(oid), 12);
        return 0;
    }
    if (PyUnicode_Check(oid)) return parse_hex(st, oid, bytes);
    PyErr_Format(PyExc_TypeError, "id must be an instance of (bytes, str, ObjectId), not %R",
                 (PyObject *)Py_TYPE(oid));
    return -1;
}

static int objectid_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    bx_state *st = bx_state_of_type(Py_TYPE(self));
    PyObject *oid = NULL;

    if (st == NULL || bx_parse_one("ObjectId", "oid", args, kwargs, &oid) < 0) return -1;
    return read_oid(st, oid, ((bx_objectid *)self)->bytes);
}

/* Calls of the class itself; subclasses go through objectid_init. */
static PyObject *objectid_call(PyObject *type, PyObject *const *args, size_t flags,
                               PyObject *names)
{
    Py_ssize_t n = PyVectorcall_NARGS(flags);
    bx_state *st = PyType_GetModuleState((PyTypeObject *)type);
    PyObject *oid = NULL;
    bx_objectid *self;

    if (BX_UNLIKELY(names != NULL && PyTuple_GET_SIZE(names) > 0)) {
        if (n > 0 || PyTuple_GET_SIZE(names) > 1 ||
            PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "oid") != 0) {
            PyErr_SetString(PyExc_TypeError, "ObjectId() takes one argument, oid");
            return NULL;
        }
        oid = args[0];
    } else if (n > 0) {
        if (BX_UNLIKELY(n > 1)) {
            PyErr_Format(PyExc_TypeError, "ObjectId() takes at most 1 argument (%zd given)", n);
            return NULL;
        }
        oid = args[0];
    }
    self = PyObject_New(bx_objectid, (PyTypeObject *)type);
    if (self == NULL) return NULL;
    if (BX_UNLIKELY(read_oid(st, oid, self->bytes) < 0)) Py_CLEAR(self);
    return (PyObject *)self;
}

/* ---- methods ---- */

static PyObject *from_seconds(PyObject *cls, bx_state *st, uint32_t seconds)
{
    uint8_t bytes[12] = {(uint8_t)(seconds >> 24), (uint8_t)(seconds >> 16),
                         (uint8_t)(seconds >> 8), (uint8_t)seconds};
    PyObject *data, *oid;

    if (cls == (PyObject *)st->ObjectId) return bx_objectid_new(st, bytes);
    data = PyBytes_FromStringAndSize((const char *)bytes, 12);
    if (data == NULL) return NULL;
    oid = PyObject_CallOneArg(cls, data);
    Py_DECREF(data);
    return oid;
}

/* What struct.pack raises. */
static PyObject *raise_struct_error(bool negative)
{
    PyObject *module = PyImport_ImportModule("struct");
    PyObject *error = module == NULL ? NULL : PyObject_GetAttrString(module, "error");

    if (error != NULL) {
        PyErr_SetString(error, negative ? "argument out of range"
                                        : "'I' format requires 0 <= number <= 4294967295");
    }
    Py_XDECREF(module);
    Py_XDECREF(error);
    return NULL;
}

static PyObject *from_datetime(PyTypeObject *cls, PyObject *const *args, Py_ssize_t n,
                               PyObject *names)
{
    PyObject *moment = bx_one_argument("from_datetime", "generation_time", args, n, names);
    bx_state *st = bx_state_of_type(cls);
    int64_t seconds;

    if (moment == NULL || st == NULL || bx_bind(st) < 0) return NULL;
    if (bx_datetime_to_seconds(st, moment, &seconds) < 0) return NULL;
    if (seconds < 0 || seconds > UINT32_MAX) return raise_struct_error(seconds < 0);
    return from_seconds((PyObject *)cls, st, (uint32_t)seconds);
}

BX_CLASS_METHOD(from_datetime)

static PyObject *is_valid(PyTypeObject *cls, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    PyObject *oid = bx_one_argument("is_valid", "oid", args, n, names);
    bx_state *st = bx_state_of_type(cls);
    uint8_t bytes[12];
    int truth;

    if (oid == NULL || st == NULL || bx_bind(st) < 0) return NULL;
    truth = PyObject_IsTrue(oid);
    if (truth <= 0) return truth < 0 ? NULL : Py_NewRef(Py_False);
    if (read_oid(st, oid, bytes) == 0) return Py_NewRef(Py_True);
    if (!PyErr_ExceptionMatches(st->InvalidId) && !PyErr_ExceptionMatches(PyExc_TypeError)) {
        return NULL;
    }
    PyErr_Clear();
    return Py_NewRef(Py_False);
}

BX_CLASS_METHOD(is_valid)

static PyObject *get_binary(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBytes_FromStringAndSize((const char *)((bx_objectid *)self)->bytes, 12);
}

static PyObject *get_generation_time(PyObject *self, void *Py_UNUSED(closure))
{
    const uint8_t *b = ((bx_objectid *)self)->bytes;
    uint32_t seconds = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    bx_state *st = bx_state_of_type(Py_TYPE(self));

    if (st == NULL || bx_bind(st) < 0) return NULL;
    return bx_datetime_utc(st, (int64_t)seconds * 1000);
}

static PyObject *objectid_getstate(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return get_binary(self, NULL);
}

/* Pickles hold the bytes; very old ones of PyMongo a dict, those of Python 2 a latin-1 str. */
static PyObject *objectid_setstate(PyObject *self, PyObject *state)
{
    PyObject *bytes = Py_NewRef(state);

    if (PyDict_Check(bytes)) {
        PyObject *inner = PyMapping_GetItemString(bytes, "_ObjectId__id");

        Py_SETREF(bytes, inner);
    }
    if (bytes != NULL && PyUnicode_Check(bytes)) {
        Py_SETREF(bytes, PyUnicode_AsLatin1String(bytes));
    }
    if (bytes == NULL) return NULL;
    if (!PyBytes_Check(bytes) || PyBytes_GET_SIZE(bytes) != 12) {
        PyErr_SetString(PyExc_ValueError, "the state of an ObjectId must be 12 bytes");
        Py_DECREF(bytes);
        return NULL;
    }
    memcpy(((bx_objectid *)self)->bytes, PyBytes_AS_STRING(bytes), 12);
    Py_DECREF(bytes);
    Py_RETURN_NONE;
}

/* The 24 digits, and a NUL. */
static void format_hex(PyObject *self, char *text)
{
    *bx_hex_write((uint8_t *)text, ((bx_objectid *)self)->bytes, 12) = 0;
}

static PyObject *objectid_str(PyObject *self)
{
    char text[25];

    format_hex(self, text);
    return PyUnicode_FromStringAndSize(text, 24);
}

static PyObject *objectid_repr(PyObject *self)
{
    char text[25];

    format_hex(self, text);
    return PyUnicode_FromFormat("ObjectId('%s')", text);
}

static PyObject *objectid_compare(PyObject *self, PyObject *other, int op)
{
    int order;

    if (Py_TYPE(other) != Py_TYPE(self)) {
        bx_state *st = bx_state_of_type(Py_TYPE(self));

        if (st == NULL) return NULL;
        if (!PyObject_TypeCheck(other, st->ObjectId)) Py_RETURN_NOTIMPLEMENTED;
    }
    order = memcmp(((bx_objectid *)self)->bytes, ((bx_objectid *)other)->bytes, 12);
    Py_RETURN_RICHCOMPARE(order, 0, op);
}

static Py_hash_t objectid_hash(PyObject *self)
{
    return bx_hash_bytes(((bx_objectid *)self)->bytes, 12);
}

static PyMethodDef methods[] = {
    {"__getstate__", objectid_getstate, METH_NOARGS, NULL},
    {"__setstate__", objectid_setstate, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef class_methods[] = {
    BX_CLASS_METHOD_DEF(
        from_datetime,
        "from_datetime(cls, generation_time)\n--\n\n"
        "Return the smallest ObjectId of a second, for range queries: it is not unique.\n\n"
        "Naive times are UTC. struct.error before 1970 or after 2106."),
    BX_CLASS_METHOD_DEF(is_valid,
                        "is_valid(cls, oid)\n--\n\n"
                        "Return whether ``ObjectId(oid)`` works; False for None and empty values."),
};

static PyGetSetDef properties[] = {
    {"binary", get_binary, NULL, "The 12 bytes.", NULL},
    {"generation_time", get_generation_time, NULL,
     "The time of creation (UTC, aware, whole seconds).", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static const char doc[] =
    "ObjectId(oid=None)\n--\n\n"
    "A 12-byte unique id: 4 bytes of seconds, 5 random bytes, a 3-byte counter (big-endian).\n\n"
    "``oid`` is None for a new id, 12 bytes, 24 hexadecimal digits or an ObjectId. InvalidId for\n"
    "another str, TypeError for other types.";

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)doc},
    {Py_tp_init, objectid_init},
    {Py_tp_dealloc, bx_plain_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_str, objectid_str},
    {Py_tp_repr, objectid_repr},
    {Py_tp_richcompare, objectid_compare},
    {Py_tp_hash, objectid_hash},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "bsonx.objectid.ObjectId",
    .basicsize = sizeof(bx_objectid),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};

PyTypeObject *bx_objectid_type(PyObject *module)
{
    PyTypeObject *type = bx_create_type(module, &spec, NULL, BX_MARK_OBJECTID);

    if (type == NULL) return NULL;
    if (bx_add_classmethod(type, &class_methods[0]) < 0 ||
        bx_add_classmethod(type, &class_methods[1]) < 0) {
        Py_DECREF(type);
        return NULL;
    }
    type->tp_vectorcall = objectid_call;
    return type;
}
