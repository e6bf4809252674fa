/* The type of the module's functions. */
#include "module/function.h"

#include <structmember.h>

static int function_traverse(bx_function *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->core);
    Py_VISIT(self->dict);
    return 0;
}

/* The state stays: what refers to the function may still call it. A cycle through both is broken
 * at the dict of either. */
static int function_clear(bx_function *self)
{
    Py_CLEAR(self->dict);
    return 0;
}

static void function_dealloc(bx_function *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) PyObject_ClearWeakRefs((PyObject *)self);
    Py_XDECREF(self->dict);
    Py_XDECREF(self->core);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyObject *function_repr(PyObject *self)
{
    PyObject *name = PyObject_GetAttrString(self, "__qualname__");
    PyObject *text = name == NULL ? NULL : PyUnicode_FromFormat("<function %U at %p>", name, self);

    Py_XDECREF(name);
    return text;
}

static PyObject *function_bind(PyObject *self, PyObject *instance, PyObject *Py_UNUSED(cls))
{
    if (instance == NULL || instance == Py_None) return Py_NewRef(self);
    return PyMethod_New(self, instance);
}

/* For pickle and copy: a function is its name. */
static PyObject *function_reduce(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyObject_GetAttrString(self, "__qualname__");
}

static PyObject *get_text_signature(bx_function *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(self->text_signature);
}

static PyMethodDef methods[] = {
    {"__reduce__", function_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef properties[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {"__text_signature__", (getter)get_text_signature, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(bx_function, call), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(bx_function, dict), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(bx_function, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_traverse, function_traverse},
    {Py_tp_clear, function_clear},
    {Py_tp_dealloc, function_dealloc},
    {Py_tp_repr, function_repr},
    {Py_tp_descr_get, function_bind},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_members, members},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "bsonx._native.function",
    .basicsize = sizeof(bx_function),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
             Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

PyTypeObject *bx_function_type(PyObject *core)
{
    return (PyTypeObject *)PyType_FromModuleAndSpec(core, &spec, NULL);
}

PyObject *bx_function_new(PyTypeObject *type, bx_state *st, const bx_function_def *def)
{
    bx_function *self = (bx_function *)type->tp_alloc(type, 0);

    if (self == NULL) return NULL;
    self->call = def->call;
    self->st = st;
    self->core = Py_NewRef(st->module);
    self->text_signature = def->text_signature;
    self->dict = Py_BuildValue("{ssssssss}", "__name__", def->signature->name, "__qualname__",
                               def->signature->name, "__module__", "bsonx._native", "__doc__",
                               def->doc);
    if (self->dict == NULL) Py_CLEAR(self);
    if (self != NULL) bx_share((PyObject *)self);
    return (PyObject *)self;
}
