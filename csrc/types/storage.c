/* The bases of Binary, Code and Regex: fields, and what pickles need to know of them. */
#include "types/storage.h"

#include <structmember.h>

void bx_not_stored(PyObject *self, const char *name)
{
    PyErr_Format(PyExc_AttributeError, "'%.200s' object has no attribute '%s'",
                 Py_TYPE(self)->tp_name, name);
}

static PyObject *field_or_null(BX_UNUSED PyObject *self, PyObject **field)
{
    PyObject *value;

    Py_BEGIN_CRITICAL_SECTION(self);
    value = Py_XNewRef(*field);
    Py_END_CRITICAL_SECTION();
    return value;
}

/* Set a field, or delete it with NULL. */
static void set_field(BX_UNUSED PyObject *self, PyObject **field, PyObject *value)
{
    PyObject *before;

    Py_BEGIN_CRITICAL_SECTION(self);
    before = *field;
    *field = Py_XNewRef(value);
    Py_END_CRITICAL_SECTION();
    Py_XDECREF(before);
}

/* ---- the dict of an instance ---- */

/* It shows the field as well, as it would be without a field. What is written into it does not come
 * back, but a dict in its place does. */

static PyObject *dict_shown(PyObject *self, PyObject **field, const char *name)
{
    PyObject *dict = PyObject_GenericGetDict(self, NULL);
    PyObject *value = dict == NULL ? NULL : field_or_null(self, field);

    if (value != NULL && PyDict_SetItemString(dict, name, value) < 0) Py_CLEAR(dict);
    Py_XDECREF(value);
    return dict;
}

static int dict_replaced(PyObject *self, PyObject *dict, PyObject **field, const char *name)
{
    PyObject *value;

    if (PyObject_GenericSetDict(self, dict, NULL) < 0) return -1;
    value = PyDict_GetItemString(dict, name);
    set_field(self, field, value);
    return 0;
}

/* ---- states of pickles and copies ---- */

/* They are those of a class whose fields are attributes like others: the dict of the instance, or
 * (the dict, the slots) where a subclass has slots. */

/* A copy of `dict` (or None) with one more item: new reference. */
static PyObject *dict_with(PyObject *dict, const char *name, PyObject *value)
{
    PyObject *copy = dict == Py_None ? PyDict_New() : PyDict_Copy(dict);

    if (copy != NULL && value != NULL && PyDict_SetItemString(copy, name, value) < 0) {
        Py_CLEAR(copy);
    }
    return copy;
}

static PyObject *state_with(PyObject *self, const char *name, PyObject **field)
{
    PyObject *state = PyObject_CallMethod((PyObject *)&PyBaseObject_Type, "__getstate__", "O",
                                          self);
    PyObject *dict, *result, *value;

    if (state == NULL) return NULL;
    value = field_or_null(self, field);
    if (!PyTuple_Check(state)) {
        result = dict_with(state, name, value);
    } else {
        dict = dict_with(PyTuple_GET_ITEM(state, 0), name, value);
        result = dict == NULL ? NULL : PyTuple_Pack(2, dict, PyTuple_GET_ITEM(state, 1));
        Py_XDECREF(dict);
    }
    Py_DECREF(state);
    Py_XDECREF(value);
    return result;
}

static int set_attributes(PyObject *self, PyObject *attributes)
{
    PyObject *name, *value;
    Py_ssize_t position = 0;
    int status = 0;

    if (attributes == Py_None) return 0;
    if (!PyDict_Check(attributes)) {
        PyErr_SetString(PyExc_TypeError, "the state must be a dict");
        return -1;
    }
    attributes = PyDict_Copy(attributes); /* to set an attribute may run Python code */
    if (attributes == NULL) return -1;
    while (status == 0 && PyDict_Next(attributes, &position, &name, &value)) {
        status = PyObject_SetAttr(self, name, value);
    }
    Py_DECREF(attributes);
    return status;
}

static PyObject *set_state(PyObject *self, PyObject *state)
{
    bool pair = PyTuple_Check(state) && PyTuple_GET_SIZE(state) == 2;
    int status;

    Py_INCREF(state);
    if (pair) {
        status = set_attributes(self, PyTuple_GET_ITEM(state, 0));
        if (status == 0) status = set_attributes(self, PyTuple_GET_ITEM(state, 1));
    } else {
        status = set_attributes(self, state);
    }
    Py_DECREF(state);
    if (status < 0) return NULL;
    Py_RETURN_NONE;
}

/* The end of an instance whose fields are cleared. */
static void release(PyObject *self, destructor base)
{
    PyTypeObject *type = Py_TYPE(self);

    base(self);
    Py_DECREF(type);
}

static void free_object(PyObject *self)
{
    Py_TYPE(self)->tp_free(self);
}

/* ---- Binary ---- */

/* Bytes may be followed by two pointers, wherever they end: the subtype and the instance's dict. */
#define BINARY_SIZE                                                                               \
    (offsetof(PyBytesObject, ob_sval) + 1 + (sizeof(void *) - 1) + 2 * sizeof(PyObject *))

/* Where the interpreter looks for the dict of an instance with a negative offset. */
static PyObject **binary_dict(PyObject *self)
{
    size_t size = (size_t)Py_TYPE(self)->tp_basicsize + (size_t)PyBytes_GET_SIZE(self);

    size = (size + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
    return (PyObject **)((char *)self + size - sizeof(PyObject *));
}

static int binary_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(*bx_binary_subtype(self));
    Py_VISIT(*binary_dict(self));
    return 0;
}

static int binary_clear(PyObject *self)
{
    Py_CLEAR(*bx_binary_subtype(self));
    Py_CLEAR(*binary_dict(self));
    return 0;
}

static void binary_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    binary_clear(self);
    release(self, free_object);
}

static PyObject *binary_get(PyObject *self, void *Py_UNUSED(closure))
{
    return bx_stored(self, bx_binary_subtype(self), "_Binary__subtype");
}

static int binary_set(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    set_field(self, bx_binary_subtype(self), value);
    return 0;
}

static PyObject *binary_get_dict(PyObject *self, void *Py_UNUSED(closure))
{
    return dict_shown(self, bx_binary_subtype(self), "_Binary__subtype");
}

static int binary_set_dict(PyObject *self, PyObject *dict, void *Py_UNUSED(closure))
{
    return dict_replaced(self, dict, bx_binary_subtype(self), "_Binary__subtype");
}

static PyObject *binary_getstate(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return state_with(self, "_Binary__subtype", bx_binary_subtype(self));
}

static PyGetSetDef binary_properties[] = {
    {"_Binary__subtype", binary_get, binary_set, NULL, NULL},
    {"__dict__", binary_get_dict, binary_set_dict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef binary_methods[] = {
    {"__getstate__", binary_getstate, METH_NOARGS, NULL},
    {"__setstate__", set_state, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef binary_members[] = {
    {"__dictoffset__", T_PYSSIZET, -(Py_ssize_t)sizeof(PyObject *), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot binary_slots[] = {
    {Py_tp_traverse, binary_traverse},
    {Py_tp_clear, binary_clear},
    {Py_tp_dealloc, binary_dealloc},
    {Py_tp_getset, binary_properties},
    {Py_tp_methods, binary_methods},
    {Py_tp_members, binary_members},
    {0, NULL},
};

static PyType_Spec binary_spec = {
    .name = "bsonx._native.BinaryStorage",
    .basicsize = BINARY_SIZE,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = binary_slots,
};

PyTypeObject *bx_binary_storage(PyObject *module)
{
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, &binary_spec,
                                                    (PyObject *)&PyBytes_Type);
}

/* ---- Code ---- */

static int code_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((bx_code *)self)->scope);
    Py_VISIT(((bx_code *)self)->dict);
    return 0;
}

static int code_clear(PyObject *self)
{
    Py_CLEAR(((bx_code *)self)->scope);
    Py_CLEAR(((bx_code *)self)->dict);
    return 0;
}

static void code_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    if (((bx_code *)self)->weakrefs != NULL) PyObject_ClearWeakRefs(self);
    code_clear(self);
    release(self, PyUnicode_Type.tp_dealloc);
}

static PyObject *code_get(PyObject *self, void *Py_UNUSED(closure))
{
    return bx_stored(self, &((bx_code *)self)->scope, "_Code__scope");
}

static int code_set(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    set_field(self, &((bx_code *)self)->scope, value);
    return 0;
}

static PyObject *code_get_dict(PyObject *self, void *Py_UNUSED(closure))
{
    return dict_shown(self, &((bx_code *)self)->scope, "_Code__scope");
}

static int code_set_dict(PyObject *self, PyObject *dict, void *Py_UNUSED(closure))
{
    return dict_replaced(self, dict, &((bx_code *)self)->scope, "_Code__scope");
}

static PyObject *code_getstate(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return state_with(self, "_Code__scope", &((bx_code *)self)->scope);
}

static PyGetSetDef code_properties[] = {
    {"_Code__scope", code_get, code_set, NULL, NULL},
    {"__dict__", code_get_dict, code_set_dict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef code_methods[] = {
    {"__getstate__", code_getstate, METH_NOARGS, NULL},
    {"__setstate__", set_state, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef code_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(bx_code, dict), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(bx_code, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot code_slots[] = {
    {Py_tp_traverse, code_traverse},
    {Py_tp_clear, code_clear},
    {Py_tp_dealloc, code_dealloc},
    {Py_tp_getset, code_properties},
    {Py_tp_methods, code_methods},
    {Py_tp_members, code_members},
    {0, NULL},
};

static PyType_Spec code_spec = {
    .name = "bsonx._native.CodeStorage",
    .basicsize = sizeof(bx_code),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = code_slots,
};

PyTypeObject *bx_code_storage(PyObject *module)
{
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, &code_spec,
                                                    (PyObject *)&PyUnicode_Type);
}

/* ---- Regex ---- */

static int regex_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((bx_regex *)self)->pattern);
    Py_VISIT(((bx_regex *)self)->flags);
    return 0;
}

static int regex_clear(PyObject *self)
{
    Py_CLEAR(((bx_regex *)self)->pattern);
    Py_CLEAR(((bx_regex *)self)->flags);
    return 0;
}

static void regex_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    regex_clear(self);
    release(self, free_object);
}

static PyMemberDef regex_members[] = {
    {"pattern", T_OBJECT_EX, offsetof(bx_regex, pattern), 0, NULL},
    {"flags", T_OBJECT_EX, offsetof(bx_regex, flags), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot regex_slots[] = {
    {Py_tp_traverse, regex_traverse},
    {Py_tp_clear, regex_clear},
    {Py_tp_dealloc, regex_dealloc},
    {Py_tp_members, regex_members},
    {0, NULL},
};

static PyType_Spec regex_spec = {
    .name = "bsonx._native.RegexStorage",
    .basicsize = sizeof(bx_regex),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = regex_slots,
};

PyTypeObject *bx_regex_storage(PyObject *module)
{
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, &regex_spec, NULL);
}
