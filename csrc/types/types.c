/* What the extension types share, and instances of the classes written in Python. */
#include "types/types.h"

#include "core/pylong.h"
#include "types/storage.h"

void bx_plain_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    type->tp_free(self);
    Py_DECREF(type);
}

PyTypeObject *bx_create_type(PyObject *module, PyType_Spec *spec, PyTypeObject *base,
                             long marker)
{
    PyTypeObject *type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, (PyObject *)base);
    PyObject *number = PyLong_FromLong(marker);

    if (type != NULL && number != NULL &&
        PyObject_SetAttrString((PyObject *)type, "_type_marker", number) == 0) {
        /* Messages of the interpreter name a type as its class statement would. */
        type->tp_name = strrchr(spec->name, '.') + 1;
    } else {
        Py_CLEAR(type);
    }
    Py_XDECREF(number);
    return type;
}

int bx_add_classmethod(PyTypeObject *type, PyMethodDef *method)
{
    PyObject *function = PyCFunction_New(method, (PyObject *)type);
    PyObject *classmethod;
    int status = -1;

    if (function == NULL) return -1;
    classmethod = PyClassMethod_New(function);
    Py_DECREF(function);
    if (classmethod == NULL) return -1;
    status = PyObject_SetAttrString((PyObject *)type, method->ml_name, classmethod);
    Py_DECREF(classmethod);
    return status;
}

bool bx_is_class_argument(PyObject *type, const char *name, PyObject *const *args, Py_ssize_t n)
{
    const char *type_name = ((PyTypeObject *)type)->tp_name;

    if (n < 1) {
        PyErr_Format(PyExc_TypeError, "%s() needs a class of %s", name, type_name);
        return false;
    }
    if (PyType_Check(args[0]) &&
        PyType_IsSubtype((PyTypeObject *)args[0], (PyTypeObject *)type)) {
        return true;
    }
    PyErr_Format(PyExc_TypeError, "%s() needs a class of %s, not %R", name, type_name, args[0]);
    return false;
}

PyObject *bx_one_argument(const char *function, const char *name, PyObject *const *args,
                          Py_ssize_t n, PyObject *names)
{
    Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;

    if (n + named == 1 &&
        (n == 1 || PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), name) == 0)) {
        return args[0];
    }
    PyErr_Format(PyExc_TypeError, "%s() takes one argument, %s", function, name);
    return NULL;
}

PyObject *bx_compare_int64(int64_t a, int64_t b, int op)
{
    Py_RETURN_RICHCOMPARE(a, b, op);
}

int bx_parse_one(const char *function, const char *name, PyObject *args, PyObject *kwargs,
                 PyObject **value)
{
    Py_ssize_t given = PyTuple_GET_SIZE(args) + (kwargs ? PyDict_GET_SIZE(kwargs) : 0);

    if (given > 1) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most 1 argument (%zd given)", function,
                     given);
        return -1;
    }
    if (PyTuple_GET_SIZE(args) == 1) {
        *value = PyTuple_GET_ITEM(args, 0);
        return 1;
    }
    if (given == 0) return 0;
    *value = PyDict_GetItemString(kwargs, name);
    if (*value != NULL) return 1;
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument, not '%s'", function,
                 name);
    return -1;
}

/* ---- instances of Python classes ---- */

PyObject *bx_binary_new(bx_state *st, const uint8_t *data, Py_ssize_t size, int subtype)
{
    PyObject *self = st->Binary->tp_alloc(st->Binary, size);

    if (self == NULL) return NULL;
    bx_init_bytes_hash(self);
    memcpy(PyBytes_AS_STRING(self), data, (size_t)size);
    *bx_binary_subtype(self) = PyLong_FromLong(subtype); /* one of the small ones */
    if (BX_UNLIKELY(*bx_binary_subtype(self) == NULL)) Py_CLEAR(self);
    return self;
}

PyObject *bx_code_new(bx_state *st, PyObject *text, PyObject *scope)
{
    PyObject *args = PyTuple_Pack(1, text);
    PyObject *self;

    if (args == NULL) return NULL;
    self = PyUnicode_Type.tp_new(st->Code, args, NULL);
    Py_DECREF(args);
    if (self != NULL) ((bx_code *)self)->scope = Py_NewRef(scope);
    return self;
}

PyObject *bx_regex_new(bx_state *st, PyObject *pattern, long flags)
{
    bx_regex *self = PyObject_GC_New(bx_regex, st->Regex);

    if (self == NULL) return NULL;
    self->pattern = Py_NewRef(pattern);
    self->flags = PyLong_FromLong(flags);
    PyObject_GC_Track((PyObject *)self);
    if (BX_UNLIKELY(self->flags == NULL)) Py_CLEAR(self);
    return (PyObject *)self;
}

PyObject *bx_uuid_new(bx_state *st, const uint8_t *bytes)
{
    PyObject *self = st->UUID->tp_alloc(st->UUID, 0);
    PyObject *number;

    if (self == NULL) return NULL;
    number = bx_long_from_big_endian(bytes, 16);
    if (number == NULL || PyObject_GenericSetAttr(self, st->s_int_, number) < 0 ||
        PyObject_GenericSetAttr(self, st->s_is_safe, st->safe_uuid_unknown) < 0) {
        Py_CLEAR(self);
    }
    Py_XDECREF(number);
    return self;
}
