/* Instances of classes with fields as documents (see bsonx._typed.encode). */
#include "typed/encode.h"

#include "typed/typed.h"

/* One attribute and its name in documents. */
typedef struct {
    PyObject *name, *key;
    PyObject *fallback;  /* a value that is left out, or NULL */
    PyTypeObject *empty; /* a type whose empty instances are left out, or NULL */
    Py_ssize_t slot;     /* offset in the instance, or 0 */
} stored_field;

typedef struct {
    PyObject_HEAD
    PyObject *objects; /* tuple: owns what the others refer to */
    PyTypeObject *cls;
    bool quick;    /* instances are nothing else to the encoder */
    bool has_dict; /* attributes are in a dict that exists already, as of pydantic models */
    stored_field *top, *nested; /* in their orders */
    Py_ssize_t count;
    PyObject *tag_key, *tag;
    PyObject *extra; /* name of an attribute with more elements, or NULL */
    PyObject *unset; /* a value that stands for none, or NULL */
    PyObject *dump;  /* function that makes another value of the instance, or NULL */
} encode_plan;

static int encode_plan_traverse(encode_plan *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->objects);
    return 0;
}

static void encode_plan_dealloc(encode_plan *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    PyMem_Free(self->top);
    PyMem_Free(self->nested);
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
    .basicsize = sizeof(encode_plan),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = encode_plan_slots,
};

PyTypeObject *bx_encode_plan_type(PyObject *module)
{
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, &encode_plan_spec, NULL);
}

/* ---- compiling ---- */

/* An attribute kept in `objects` (a list); NULL with an exception. */
static PyObject *get(PyObject *objects, PyObject *source, const char *name)
{
    PyObject *value = PyObject_GetAttrString(source, name);
    int status = value == NULL ? -1 : PyList_Append(objects, value);

    Py_XDECREF(value);
    return status < 0 ? NULL : value;
}

static int compile_field(bx_typed *typed, PyObject *objects, PyObject *source,
                         const encode_plan *plan, const char *key, stored_field *out)
{
    PyObject *empty, *name = PyObject_GetAttrString(source, "name");
    int status;

    if (name == NULL) return -1;
    PyUnicode_InternInPlace(&name);
    status = PyList_Append(objects, name);
    Py_DECREF(name);
    out->name = name;
    if (status < 0 || (out->key = get(objects, source, key)) == NULL ||
        (out->fallback = get(objects, source, "default")) == NULL ||
        (empty = get(objects, source, "empty")) == NULL) {
        return -1;
    }
    if (out->fallback == typed->MISSING) out->fallback = NULL;
    if (PyType_Check(empty)) out->empty = (PyTypeObject *)empty;
    /* Without the GIL another thread may set the attribute while it is read. */
    out->slot = BX_FREE_THREADED ? 0 : bx_slot_offset(plan->cls, out->name);
    return 0;
}

static stored_field *compile_fields(bx_typed *typed, PyObject *objects, PyObject *source,
                                    const char *attribute, const char *key, encode_plan *plan)
{
    PyObject *sources = get(objects, source, attribute);
    stored_field *fields;

    if (sources == NULL) return NULL;
    if (!PyTuple_Check(sources)) {
        PyErr_SetString(PyExc_SystemError, "the fields of an encode plan must be a tuple");
        return NULL;
    }
    plan->count = PyTuple_GET_SIZE(sources);
    fields = PyMem_Calloc((size_t)plan->count + 1, sizeof(stored_field));
    if (fields == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < plan->count; i++) {
        if (compile_field(typed, objects, PyTuple_GET_ITEM(sources, i), plan, key,
                          &fields[i]) < 0) {
            PyMem_Free(fields);
            return NULL;
        }
    }
    return fields;
}

static int fill_encode_plan(bx_typed *typed, PyObject *objects, PyObject *source,
                            encode_plan *plan)
{
    PyObject *cls = get(objects, source, "cls"), *tag, *has_dict;

    if (cls == NULL || !PyType_Check(cls)) return -1;
    plan->cls = (PyTypeObject *)cls;
    plan->top = compile_fields(typed, objects, source, "fields", "key", plan);
    if (plan->top == NULL) return -1;
    plan->nested = compile_fields(typed, objects, source, "nested_fields", "nested_key", plan);
    if (plan->nested == NULL || (tag = get(objects, source, "tag")) == NULL ||
        (plan->extra = get(objects, source, "extra")) == NULL ||
        (plan->unset = get(objects, source, "unset")) == NULL ||
        (plan->dump = get(objects, source, "dump")) == NULL ||
        (has_dict = get(objects, source, "has_dict")) == NULL) {
        return -1;
    }
    plan->has_dict = has_dict == Py_True;
    if (plan->extra == Py_None) plan->extra = NULL;
    if (plan->dump == Py_None) plan->dump = NULL;
    if (plan->unset == typed->MISSING) plan->unset = NULL;
    if (PyTuple_Check(tag) && PyTuple_GET_SIZE(tag) == 2) {
        plan->tag_key = PyTuple_GET_ITEM(tag, 0);
        plan->tag = PyTuple_GET_ITEM(tag, 1);
    }
    return 0;
}

/* Note whether the encoder would come to the plan for every instance of the class. */
static int set_quick(bx_state *st, encode_plan *plan)
{
    PyTypeObject *bases[] = {&PyDict_Type,  &PyUnicode_Type, &PyLong_Type,
                             &PyFloat_Type, &PyList_Type,    &PyTuple_Type,
                             &PyBytes_Type, st->UUID,        st->datetime->DateTimeType};
    int is_mapping = PyObject_IsSubclass((PyObject *)plan->cls, (PyObject *)st->Mapping);

    if (is_mapping < 0) return -1;
    plan->quick = !is_mapping && _PyType_Lookup(plan->cls, st->s_type_marker) == NULL;
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        if (PyType_IsSubtype(plan->cls, bases[i])) plan->quick = false;
    }
    return 0;
}

static encode_plan *compile_encode_plan(bx_state *st, bx_typed *typed, PyObject *source)
{
    PyObject *objects = PyList_New(0);
    encode_plan *plan;

    if (objects == NULL) return NULL;
    plan = (encode_plan *)typed->CompiledEncodePlan->tp_alloc(typed->CompiledEncodePlan, 0);
    if (plan == NULL) {
        Py_DECREF(objects);
        return NULL;
    }
    plan->objects = objects;
    if (fill_encode_plan(typed, objects, source, plan) < 0 || set_quick(st, plan) < 0 ||
        PyObject_SetAttrString(source, "compiled", (PyObject *)plan) < 0) {
        Py_CLEAR(plan);
    }
    return plan;
}

#if BX_FREE_THREADED
/* Without the GIL what is found might be gone by the time it is used. */
static encode_plan *known_plan(bx_encoder *e, PyTypeObject *cls)
{
    (void)e, (void)cls;
    return NULL;
}
#else
/* The compiled plan of a class if there is one already (borrowed), else NULL. */
static encode_plan *known_plan(bx_encoder *e, PyTypeObject *cls)
{
    bx_typed *typed = e->st->typed;
    PyObject *source, *compiled;

    if (typed == NULL) return NULL;
    source = _PyType_Lookup(cls, e->st->s_encode_plan);
    if (source == NULL || !Py_IS_TYPE(source, (PyTypeObject *)typed->EncodePlan)) return NULL;
    compiled = *(PyObject **)((char *)source + typed->compiled_slot);
    if (compiled == NULL || !Py_IS_TYPE(compiled, typed->CompiledEncodePlan)) return NULL;
    /* The plan may be that of a base class. */
    return ((encode_plan *)compiled)->cls == cls ? (encode_plan *)compiled : NULL;
}
#endif

/* The compiled form kept by an EncodePlan, made if it is not there. */
static encode_plan *plan_of(bx_state *st, bx_typed *typed, PyObject *source)
{
    PyObject *compiled = PyObject_GetAttr(source, st->s_compiled);

    if (compiled == NULL || Py_IS_TYPE(compiled, typed->CompiledEncodePlan)) {
        return (encode_plan *)compiled;
    }
    Py_DECREF(compiled);
    return compile_encode_plan(st, typed, source);
}

/* The compiled plan of a class: 1 with a new reference, 0 for other classes, -1 error. */
static int find_plan(bx_encoder *e, PyTypeObject *cls, encode_plan **out)
{
    bx_typed *typed = bx_typed_get(e->st);
    PyObject *source;

    if (typed == NULL) return -1;
    *out = (encode_plan *)Py_XNewRef((PyObject *)known_plan(e, cls));
    if (*out != NULL) return 1;
    source = PyObject_CallOneArg(typed->encode_plan_for, (PyObject *)cls);
    if (source == NULL) return -1;
    if (source == Py_None) {
        Py_DECREF(source);
        return 0;
    }
    *out = plan_of(e->st, typed, source);
    Py_DECREF(source);
    return *out == NULL ? -1 : 1;
}

/* ---- encoding ---- */

/* The value of a field: new reference. `dict` is the instance's, or NULL. */
static PyObject *field_value(const stored_field *field, PyObject *instance, PyObject *dict)
{
    if (dict != NULL) {
        PyObject *value;

        if (bx_dict_get(dict, field->name, &value) != 0) return value;
    }
    if (field->slot > 0) {
        PyObject *value = *(PyObject **)((char *)instance + field->slot);

        if (BX_LIKELY(value != NULL)) return Py_NewRef(value);
    }
    return PyObject_GetAttr(instance, field->name);
}

/* Whether the value is one that is left out: 1, 0, or -1 with an exception. */
static int is_left_out(bx_encoder *e, const encode_plan *plan, const stored_field *field,
                       PyObject *value, bool top)
{
    if (value == field->fallback || value == plan->unset) return 1;
    if (field->empty != NULL && Py_IS_TYPE(value, field->empty)) {
        int full = PyObject_IsTrue(value);

        if (full <= 0) return full < 0 ? -1 : 1;
    }
    return top && value == Py_None && PyUnicode_Compare(field->key, e->st->s_id) == 0;
}

static int encode_field(bx_encoder *e, const encode_plan *plan, const stored_field *field,
                        PyObject *instance, PyObject *dict, bool top)
{
    PyObject *value = field_value(field, instance, dict);
    int status;

    if (value == NULL) return -1;
    status = is_left_out(e, plan, field, value, top);
    if (status == 0) status = bx_encode_keyed(e, field->key, value);
    Py_DECREF(value);
    return status < 0 ? -1 : 0;
}

static int encode_extra(bx_encoder *e, const encode_plan *plan, PyObject *instance)
{
    PyObject *extra, *key, *value;
    Py_ssize_t position = 0;
    int status = bx_getattr_optional(instance, plan->extra, &extra);

    if (status <= 0) return status;
    status = 0;
    if (PyDict_Check(extra)) {
        while (status >= 0 && PyDict_Next(extra, &position, &key, &value)) {
            Py_INCREF(key);
            Py_INCREF(value);
            status = bx_encode_keyed(e, key, value);
            Py_DECREF(key);
            Py_DECREF(value);
        }
    }
    Py_DECREF(extra);
    return status < 0 ? -1 : 0;
}

static int encode_fields(bx_encoder *e, const encode_plan *plan, PyObject *instance,
                         PyObject *dict, bool top)
{
    const stored_field *fields = top ? plan->top : plan->nested;
    Py_ssize_t i = 0;

    /* The tag goes before everything but a top-level _id. */
    if (top && plan->tag != NULL && plan->count > 0 &&
        PyUnicode_Compare(fields[0].key, e->st->s_id) == 0) {
        if (encode_field(e, plan, &fields[i++], instance, dict, top) < 0) return -1;
    }
    if (plan->tag != NULL && bx_encode_keyed(e, plan->tag_key, plan->tag) < 0) return -1;
    for (; i < plan->count; i++) {
        if (encode_field(e, plan, &fields[i], instance, dict, top) < 0) return -1;
    }
    return plan->extra == NULL ? 0 : encode_extra(e, plan, instance);
}

static int encode_container(bx_encoder *e, const encode_plan *plan, PyObject *instance, bool top)
{
    Py_ssize_t at = bx_start_container(e);
    PyObject *dict = NULL;
    int status;

    if (at < 0) return -1;
    if (plan->has_dict) {
        dict = PyObject_GenericGetDict(instance, NULL);
        if (dict == NULL) return -1;
    }
    status = encode_fields(e, plan, instance, dict, top);
    Py_XDECREF(dict);
    return status < 0 ? -1 : bx_end_container(e, at);
}

static int encode_dumped(bx_encoder *e, size_t at, const encode_plan *plan, PyObject *instance,
                         bool top)
{
    PyObject *dumped = PyObject_CallFunctionObjArgs(plan->dump, instance,
                                                    top ? Py_True : Py_False, NULL);
    int status;

    if (dumped == NULL) return -1;
    status = top ? bx_encode_top_mapping(e, dumped, instance)
                 : bx_encode_from(e, at, dumped, BX_FROM_PLAIN);
    Py_DECREF(dumped);
    return status;
}

/* With the options for the inside of an instance, where the profile "python" holds. */
static int encode_inside(bx_encoder *e, size_t at, const encode_plan *plan, PyObject *instance,
                         bool top)
{
    if (plan->dump != NULL) return encode_dumped(e, at, plan, instance, top);
    return encode_container(e, plan, instance, top);
}

static int encode_planned(bx_encoder *e, size_t at, const encode_plan *plan, PyObject *instance,
                          bool top)
{
    const bx_options *outside = e->options;
    bx_options inside;
    int status;

    if (Py_EnterRecursiveCall(" while encoding an object to BSON ")) return -1;
    if (!outside->extended) {
        inside = *outside;
        inside.extended = true;
        if (inside.uuid_representation == BX_UUID_UNSPECIFIED) {
            inside.uuid_representation = BX_UUID_STANDARD;
        }
        e->options = &inside;
    }
    status = encode_inside(e, at, plan, instance, top);
    e->options = outside;
    Py_LeaveRecursiveCall();
    return status < 0 ? -1 : 1;
}

int bx_encode_known_instance(bx_encoder *e, size_t at, PyObject *value, bool top)
{
    encode_plan *plan = known_plan(e, Py_TYPE(value));
    int status;

    if (plan == NULL || !plan->quick) return 0;
    Py_INCREF(plan);
    if (!top) bx_set_type(e, at, BX_DOCUMENT);
    status = encode_planned(e, at, plan, value, top);
    Py_DECREF(plan);
    return status;
}

int bx_encode_instance(bx_encoder *e, size_t at, PyObject *value)
{
    encode_plan *plan;
    int status = find_plan(e, Py_TYPE(value), &plan);

    if (status <= 0) return status;
    bx_set_type(e, at, BX_DOCUMENT);
    status = encode_planned(e, at, plan, value, false);
    Py_DECREF(plan);
    return status;
}

int bx_encode_instance_top(bx_encoder *e, PyObject *value)
{
    encode_plan *plan;
    int status = find_plan(e, Py_TYPE(value), &plan);

    if (status <= 0) return status;
    status = encode_planned(e, 0, plan, value, true);
    Py_DECREF(plan);
    return status;
}
