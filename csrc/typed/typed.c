/* What typed documents need of Python, and the plans behind document classes. */
#include "typed/typed.h"

#include <structmember.h>

#include "typed/attributes.h"
#include "typed/plan.h"

/* ---- what is needed of Python ---- */

PyObject *bx_import_object(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *object = module == NULL ? NULL : PyObject_GetAttrString(module, name);

    Py_XDECREF(module);
    return object;
}

static int typed_bind(bx_state *st, bx_typed *typed)
{
    int known = bx_attributes_known();

    if (known < 0) return -1;
    typed->layout_known = known;
#define X(name, module, attribute)                                                                \
    if ((typed->name = bx_import_object(module, attribute)) == NULL) return -1;
    BX_TYPED_OBJECTS(X)
#undef X
    typed->type_slot = bx_slot_offset((PyTypeObject *)typed->TypePlan, st->s_type);
    typed->options_slot = bx_slot_offset((PyTypeObject *)typed->TypePlan, st->s_options);
    typed->compiled_slot = bx_slot_offset((PyTypeObject *)typed->EncodePlan, st->s_compiled);
    typed->no_arguments = PyTuple_New(0);
    if (typed->no_arguments == NULL) return -1;
    typed->Plan = bx_plan_type(st->module);
    if (typed->Plan == NULL) return -1;
    typed->CompiledEncodePlan = bx_encode_plan_type(st->module);
    return typed->CompiledEncodePlan == NULL ? -1 : 0;
}

int bx_typed_traverse(bx_typed *typed, visitproc visit, void *arg)
{
    if (typed == NULL) return 0;
#define X(name, module, attribute) Py_VISIT(typed->name);
    BX_TYPED_OBJECTS(X)
#undef X
#define X(name) Py_VISIT(typed->name);
    BX_TYPED_FOUND(X)
#undef X
    Py_VISIT(typed->no_arguments);
    Py_VISIT(typed->Plan);
    Py_VISIT(typed->CompiledEncodePlan);
    return 0;
}

void bx_typed_free(bx_typed *typed)
{
    if (typed == NULL) return;
    bx_typed_traverse(typed, bx_give_back, NULL);
    PyMem_Free(typed);
}

bx_typed *bx_typed_get(bx_state *st)
{
    bx_typed *typed = bx_load_pointer(&st->typed);

    if (BX_LIKELY(typed != NULL)) return typed;
    typed = PyMem_Calloc(1, sizeof(bx_typed));
    if (typed == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    if (typed_bind(st, typed) < 0) {
        bx_typed_free(typed);
        return NULL;
    }
    /* Another thread, or the imports, may have come here as well: the first stays. */
    if (!bx_publish_pointer(&st->typed, typed)) bx_typed_free(typed);
    return bx_load_pointer(&st->typed);
}

Py_ssize_t bx_slot_offset(PyTypeObject *cls, PyObject *name)
{
    PyObject *found = bx_type_lookup(cls, name);
    Py_ssize_t offset = 0;

    /* Not a slot of another class. */
    if (found != NULL && Py_IS_TYPE(found, &PyMemberDescr_Type) &&
        PyType_IsSubtype(cls, PyDescr_TYPE(found))) {
        const PyMemberDef *member = ((PyMemberDescrObject *)found)->d_member;

        if (member->type == T_OBJECT_EX && !(member->flags & READONLY)) offset = member->offset;
    }
    Py_XDECREF(found);
    return offset;
}

/* ---- plans of classes ---- */

/* The compiled form kept by a TypePlan, made if it is not there. */
static bx_plan *plan_of(bx_typed *typed, PyObject *type_plan)
{
    PyObject *compiled = PyObject_GetAttrString(type_plan, "compiled");

    if (compiled == NULL || Py_IS_TYPE(compiled, typed->Plan)) return (bx_plan *)compiled;
    Py_DECREF(compiled);
    compiled = (PyObject *)bx_plan_compile(typed, type_plan);
    if (compiled != NULL && PyObject_SetAttrString(type_plan, "compiled", compiled) < 0) {
        Py_CLEAR(compiled);
    }
    return (bx_plan *)compiled;
}

int bx_plan_of_class(bx_state *st, PyObject *document_class, bx_plan **plan)
{
    bx_typed *typed = bx_typed_get(st);
    PyObject *type_plan;

    *plan = NULL;
    if (typed == NULL) return -1;
    type_plan = PyObject_CallOneArg(typed->typed_plan, document_class);
    if (type_plan == NULL) return -1;
    if (type_plan == Py_None) {
        Py_DECREF(type_plan);
        return 0;
    }
    *plan = plan_of(typed, type_plan);
    Py_DECREF(type_plan);
    return *plan == NULL ? -1 : 1;
}

/* The value of `key` in a tuple of keys and values: new reference, or NULL. */
static PyObject *find_in_pairs(PyObject *pairs, PyObject *key)
{
    if (pairs == NULL || !PyTuple_CheckExact(pairs)) return NULL;
    for (Py_ssize_t i = 0; i + 1 < PyTuple_GET_SIZE(pairs); i += 2) {
        if (PyTuple_GET_ITEM(pairs, i) == key) return Py_NewRef(PyTuple_GET_ITEM(pairs, i + 1));
    }
    return NULL;
}

/* The options made for an earlier use of `type` with `base`: new reference, or NULL. */
static PyObject *known_options(bx_typed *typed, bx_state *st, PyObject *type, PyObject *base)
{
    PyObject *plan, *of, *pairs, *options = NULL;

    if (typed == NULL || !PyType_Check(type) || typed->type_slot == 0) return NULL;
    plan = bx_type_lookup((PyTypeObject *)type, st->s_plan);
    if (plan != NULL && Py_IS_TYPE(plan, (PyTypeObject *)typed->TypePlan)) {
        of = bx_slot_get(plan, typed->type_slot);
        pairs = bx_slot_get(plan, typed->options_slot);
        if (of == type) options = find_in_pairs(pairs, base); /* else the plan of a base class */
        Py_XDECREF(of);
        Py_XDECREF(pairs);
    }
    Py_XDECREF(plan);
    return options;
}

PyObject *bx_options_for_type(bx_state *st, PyObject *type, PyObject *codec_options)
{
    PyObject *base, *options;
    bx_typed *typed;

    if (bx_bind(st) < 0) return NULL;
    base = codec_options == Py_None ? st->default_codec_options : codec_options;
    options = known_options(bx_load_pointer(&st->typed), st, type, base);
    if (options != NULL) return options;
    typed = bx_typed_get(st);
    if (typed == NULL) return NULL;
    return PyObject_CallFunctionObjArgs(typed->options_for, type, codec_options, NULL);
}
