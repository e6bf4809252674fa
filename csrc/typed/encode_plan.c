/* From the encode plans of bsonx._typed.encode_nodes to structs. */
#include "typed/encode_plan.h"

#include "typed/attributes.h"
#include "typed/typed.h"

static int encode_plan_traverse(bx_encode_plan *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->objects);
    return 0;
}

/* There is no tp_clear: a plan is immutable while it is executed. The cycle through a class and its
 * plan is broken at the class. */
static void encode_plan_dealloc(bx_encode_plan *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    PyMem_Free(self->top);
    PyMem_Free(self->nested);
    PyMem_Free(self->found);
    PyMem_Free(self->headers);
    Py_XDECREF(self->objects);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyType_Slot encode_plan_slots[] = {
    {Py_tp_dealloc, encode_plan_dealloc},
    {Py_tp_traverse, encode_plan_traverse},
    {0, NULL},
};

static PyType_Spec encode_plan_spec = {
    .name = "bsonx._native._EncodePlan",
    .basicsize = sizeof(bx_encode_plan),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = encode_plan_slots,
};

PyTypeObject *bx_encode_plan_type(PyObject *module)
{
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, &encode_plan_spec, NULL);
}

/* ---- compiling ---- */

typedef struct {
    bx_typed *typed;
    PyObject *objects; /* list */
    bx_encode_plan *plan;
    uint8_t *header; /* the next free place in plan->headers */
} compiler;

/* A reference handed over to the plan; NULL if it is NULL, or with an exception. */
static PyObject *keep(compiler *c, PyObject *object)
{
    int status;

    if (object == NULL) return NULL;
    status = PyList_Append(c->objects, object);
    Py_DECREF(object);
    return status < 0 ? NULL : object;
}

static PyObject *get(compiler *c, PyObject *source, const char *name)
{
    return keep(c, PyObject_GetAttrString(source, name));
}

/* An attribute that is a str, interned. */
static PyObject *get_name(compiler *c, PyObject *source, const char *name)
{
    PyObject *text = PyObject_GetAttrString(source, name);

    if (text == NULL) return NULL;
    if (!PyUnicode_CheckExact(text)) {
        PyErr_Format(PyExc_SystemError, "the %s of an encode plan's field must be a str", name);
        Py_DECREF(text);
        return NULL;
    }
    PyUnicode_InternInPlace(&text);
    return keep(c, text);
}

/* Bytes that the header of a key takes: 0 for a key that cannot be stored, -1 with MemoryError. */
static Py_ssize_t header_size(PyObject *key, const char **text)
{
    Py_ssize_t size;

    *text = PyUnicode_AsUTF8AndSize(key, &size);
    if (*text == NULL) { /* lone surrogates */
        if (PyErr_ExceptionMatches(PyExc_MemoryError)) return -1;
        PyErr_Clear();
        return 0;
    }
    return size > INT32_MAX / 2 || memchr(*text, 0, (size_t)size) != NULL ? 0 : size + 2;
}

static size_t whole_blocks(Py_ssize_t size)
{
    return ((size_t)size + BX_HEADER_BLOCK - 1) / BX_HEADER_BLOCK * BX_HEADER_BLOCK;
}

static int compile_header(compiler *c, bx_stored_field *out)
{
    const char *text;
    Py_ssize_t size = header_size(out->key, &text);

    if (size < 0) return -1;
    if (size == 0) return 0;
    memcpy(c->header + 1, text, (size_t)size - 2);
    out->header = c->header;
    out->header_size = (uint32_t)size;
    out->header_room = (uint32_t)whole_blocks(size);
    c->header += out->header_room;
    return 0;
}

/* Find the attributes that can be read without PyObject_GetAttr. */
static void find_place(compiler *c, bx_stored_field *out)
{
    if (out->source != BX_FROM_ATTRIBUTE || !c->plan->generic) return;
    out->slot = bx_slot_offset(c->plan->cls, out->name);
    if (out->slot > 0) {
        out->source = BX_FROM_SLOT;
    } else if (c->typed->layout_known && bx_attribute_in_dict(c->plan->cls, out->name)) {
        out->source = BX_FROM_DICT;
        c->plan->in_dict = true;
    }
}

static int compile_field(compiler *c, PyObject *source, const char *key, bx_stored_field *out)
{
    PyObject *empty, *kind = PyObject_GetAttrString(source, "source");
    long number = kind == NULL ? -1 : PyLong_AsLong(kind);

    Py_XDECREF(kind);
    if (number < 0 || number >= BX_FROM_COUNT) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, "unknown source of a field");
        return -1;
    }
    out->source = (bx_field_source)number;
    if ((out->name = get_name(c, source, "name")) == NULL ||
        (out->key = get_name(c, source, key)) == NULL ||
        (out->fallback = get(c, source, "default")) == NULL ||
        (out->constant = get(c, source, "constant")) == NULL ||
        (empty = get(c, source, "empty")) == NULL) {
        return -1;
    }
    if (out->fallback == c->typed->MISSING) out->fallback = NULL;
    if (PyType_Check(empty)) out->empty = (PyTypeObject *)empty;
    out->optional = out->fallback != NULL || out->empty != NULL;
    find_place(c, out);
    return compile_header(c, out);
}

static bx_stored_field *compile_fields(compiler *c, PyObject *sources, const char *key)
{
    Py_ssize_t count = PyTuple_GET_SIZE(sources);
    bx_stored_field *fields = PyMem_Calloc((size_t)count + 1, sizeof(bx_stored_field));

    if (fields == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (compile_field(c, PyTuple_GET_ITEM(sources, i), key, &fields[i]) < 0) {
            PyMem_Free(fields);
            return NULL;
        }
    }
    return fields;
}

/* A tuple of fields that is an attribute of the plan's source. */
static PyObject *get_fields(compiler *c, PyObject *source, const char *name)
{
    PyObject *fields = get(c, source, name);

    if (fields == NULL || PyTuple_CheckExact(fields)) return fields;
    PyErr_SetString(PyExc_SystemError, "the fields of an encode plan must be a tuple");
    return NULL;
}

/* Make room for the headers of fields, by their keys: -1 with an exception. */
static int size_of_headers(PyObject *sources, const char *name, size_t *total)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(sources); i++) {
        PyObject *key = PyObject_GetAttrString(PyTuple_GET_ITEM(sources, i), name);
        const char *text;
        Py_ssize_t size = 0;

        if (key == NULL) return -1;
        if (PyUnicode_Check(key)) size = header_size(key, &text);
        Py_DECREF(key);
        if (size < 0) return -1;
        *total += whole_blocks(size);
    }
    return 0;
}

/* Remember what the class has under the names of its fields, to see later whether that changed. */
static int remember_class(compiler *c)
{
    bx_encode_plan *plan = c->plan;

    plan->found = PyMem_Calloc((size_t)plan->count + 1, sizeof(PyObject *));
    if (plan->found == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < plan->count; i++) {
        PyObject *found = _PyType_Lookup(plan->cls, plan->nested[i].name);

        if (found == NULL) continue;
        plan->found[i] = keep(c, Py_NewRef(found));
        if (plan->found[i] == NULL) return -1;
    }
    return 0;
}

static int fill_fields(compiler *c, PyObject *source)
{
    bx_encode_plan *plan = c->plan;
    PyObject *top = get_fields(c, source, "fields");
    PyObject *nested = get_fields(c, source, "nested_fields");
    size_t size = 0;

    if (top == NULL || nested == NULL || size_of_headers(top, "key", &size) < 0 ||
        size_of_headers(nested, "nested_key", &size) < 0) {
        return -1;
    }
    if (PyTuple_GET_SIZE(top) != PyTuple_GET_SIZE(nested)) {
        PyErr_SetString(PyExc_SystemError, "an encode plan's fields differ at the top");
        return -1;
    }
    plan->count = PyTuple_GET_SIZE(top);
    plan->headers = c->header = PyMem_Calloc(size + 1, 1);
    if (plan->headers == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if ((plan->top = compile_fields(c, top, "key")) == NULL) return -1;
    if ((plan->nested = compile_fields(c, nested, "nested_key")) == NULL) return -1;
    for (Py_ssize_t i = 0; i < plan->count; i++) {
        bx_stored_field *field = &plan->top[i];

        field->is_id = PyUnicode_CompareWithASCIIString(field->key, "_id") == 0;
        field->optional = field->optional || field->is_id;
    }
    return remember_class(c);
}

/* The version of the class, which any change of it or of its bases changes; 0 if it has none. */
static unsigned int version_of(bx_state *st, PyTypeObject *cls)
{
    (void)_PyType_Lookup(cls, st->s_encode_plan); /* gives it one */
    return bx_glance_uint(&cls->tp_version_tag);
}

static int fill_plan(compiler *c, bx_state *st, PyObject *source)
{
    bx_encode_plan *plan = c->plan;
    PyObject *cls = get(c, source, "cls");

    if (cls == NULL) return -1;
    if (!PyType_Check(cls)) {
        PyErr_SetString(PyExc_SystemError, "the class of an encode plan must be a type");
        return -1;
    }
    plan->cls = (PyTypeObject *)cls;
    plan->version = version_of(st, plan->cls); /* before it is looked at: it may change meanwhile */
    plan->generic = bx_attributes_generic(plan->cls);
    if (fill_fields(c, source) < 0 || (plan->unset = get(c, source, "unset")) == NULL ||
        (plan->dump = get(c, source, "dump")) == NULL ||
        (plan->dump_some = get(c, source, "dump_some")) == NULL) {
        return -1;
    }
    if (plan->dump == Py_None) plan->dump = NULL;
    if (plan->dump_some == Py_None) plan->dump_some = NULL;
    if (plan->unset == c->typed->MISSING) plan->unset = NULL;
    return 0;
}

/* Whether the encoder would come to the plan for every instance of the class: 1, 0, -1 error. */
static int is_quick(bx_state *st, bx_encode_plan *plan, PyObject *source)
{
    PyTypeObject *bases[] = {&PyDict_Type,  &PyUnicode_Type, &PyLong_Type,
                             &PyFloat_Type, &PyList_Type,    &PyTuple_Type,
                             &PyBytes_Type, st->UUID,        st->datetime->DateTimeType};
    int is_mapping = PyObject_IsSubclass((PyObject *)plan->cls, (PyObject *)st->Mapping);
    PyObject *marked;
    int status;

    if (is_mapping != 0) return is_mapping < 0 ? -1 : 0;
    if (_PyType_Lookup(plan->cls, st->s_type_marker) != NULL) return 0;
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        if (PyType_IsSubtype(plan->cls, bases[i])) return 0;
    }
    marked = PyObject_GetAttrString(source, "may_be_marked");
    status = marked == NULL ? -1 : marked != Py_True;
    Py_XDECREF(marked);
    return status;
}

static bx_encode_plan *compile_plan(bx_state *st, bx_typed *typed, PyObject *source)
{
    compiler c = {.typed = typed, .objects = PyList_New(0)};
    bx_encode_plan *plan;
    int quick;

    if (c.objects == NULL) return NULL;
    plan = (bx_encode_plan *)typed->CompiledEncodePlan->tp_alloc(typed->CompiledEncodePlan, 0);
    if (plan == NULL) {
        Py_DECREF(c.objects);
        return NULL;
    }
    plan->objects = c.objects;
    c.plan = plan;
    if (fill_plan(&c, st, source) < 0 || (quick = is_quick(st, plan, source)) < 0) {
        Py_DECREF(plan);
        return NULL;
    }
    plan->quick = quick;
    if (PyObject_SetAttr(source, st->s_compiled, (PyObject *)plan) < 0) { /* others see it now */
        Py_DECREF(plan);
        return NULL;
    }
    return plan;
}

/* ---- finding ---- */

/* What is kept by an EncodePlan: new reference, NULL if it is no EncodePlan or not compiled. */
static bx_encode_plan *compiled_of(bx_typed *typed, bx_state *st, PyObject *source)
{
    PyObject *compiled;

    if (source == NULL || !Py_IS_TYPE(source, (PyTypeObject *)typed->EncodePlan)) return NULL;
#if BX_FREE_THREADED
    compiled = PyObject_GetAttr(source, st->s_compiled);
    if (compiled == NULL) PyErr_Clear();
#else
    (void)st;
    compiled = Py_XNewRef(*(PyObject **)((char *)source + typed->compiled_slot));
#endif
    if (compiled != NULL && !Py_IS_TYPE(compiled, typed->CompiledEncodePlan)) {
        Py_CLEAR(compiled);
    }
    return (bx_encode_plan *)compiled;
}

bx_encode_plan *bx_encode_plan_known(bx_state *st, PyTypeObject *cls)
{
    bx_typed *typed = bx_load_pointer(&st->typed); /* another thread may just publish it */
    bx_encode_plan *plan;

    if (typed == NULL) return NULL;
#if BX_FREE_THREADED
    {
        PyObject *source = _PyType_LookupRef(cls, st->s_encode_plan);

        plan = compiled_of(typed, st, source);
        Py_XDECREF(source);
    }
#else
    plan = compiled_of(typed, st, _PyType_Lookup(cls, st->s_encode_plan));
#endif
    if (plan != NULL && plan->cls != cls) { /* that of a base class */
        Py_DECREF(plan);
        return NULL;
    }
    return plan;
}

int bx_encode_plan_find(bx_state *st, PyTypeObject *cls, bx_encode_plan **out)
{
    bx_typed *typed = bx_typed_get(st);
    PyObject *source;

    if (typed == NULL) return -1;
    *out = bx_encode_plan_known(st, cls);
    if (*out != NULL) return 1;
    source = PyObject_CallOneArg(typed->encode_plan_for, (PyObject *)cls);
    if (source == NULL) return -1;
    if (source == Py_None) {
        Py_DECREF(source);
        return 0;
    }
    *out = compiled_of(typed, st, source);
    if (*out == NULL) *out = compile_plan(st, typed, source);
    Py_DECREF(source);
    return *out == NULL ? -1 : 1;
}

/* ---- classes that change ---- */

/* Whether all that the plan knows of its class is as it was. */
static bool still_holds(bx_state *st, const bx_encode_plan *plan)
{
    if (bx_attributes_generic(plan->cls) != plan->generic) return false;
    if (plan->quick && _PyType_Lookup(plan->cls, st->s_type_marker) != NULL) return false;
    for (Py_ssize_t i = 0; i < plan->count; i++) {
        if (_PyType_Lookup(plan->cls, plan->nested[i].name) != plan->found[i]) return false;
    }
    return true;
}

int bx_encode_plan_refresh(bx_state *st, bx_encode_plan **plan)
{
    bx_encode_plan *old = *plan;
    PyObject *source;

    if (still_holds(st, old)) {
#if !BX_FREE_THREADED
        old->version = version_of(st, old->cls);
#endif
        return 0;
    }
    source = PyObject_CallOneArg(st->typed->encode_plan_for, (PyObject *)old->cls);
    if (source == NULL) return -1;
    if (source != Py_None) {
        *plan = compile_plan(st, st->typed, source);
        if (*plan != NULL) {
            Py_DECREF(old);
        } else {
            *plan = old;
            Py_DECREF(source);
            return -1;
        }
    }
    Py_DECREF(source);
    return 0;
}
