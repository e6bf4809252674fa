/* Executes plans: documents to instances of classes with fields. */
#include "typed/run.h"

/* ---- finding fields ---- */

/* Whether the name at `p` is that of the field; names end before `last`, and the input reaches at
 * least to `limit`. */
BX_INLINE bool is_field(const bx_field *field, const uint8_t *p, const uint8_t *last,
                        const uint8_t *limit)
{
    size_t size = field->size; /* the NUL is compared as well */

    if (BX_UNLIKELY((size_t)(last - p) <= size)) return false;
    if (BX_LIKELY(size < 16 && limit - p >= 16)) {
        uint64_t head = bx_load64(p) ^ field->head;

        if (size < 8) return head << (56 - 8 * size) == 0;
        return (head | (bx_load64(p + 8) ^ field->tail) << (120 - 8 * size)) == 0;
    }
    if (size < 16 || size >= 32) return memcmp(p, field->text, size + 1) == 0;
    return ((bx_load64(p) ^ field->head) | (bx_load64(p + 8) ^ field->tail) |
            (bx_load64(p + size - 15) ^ field->head2) |
            (bx_load64(p + size - 7) ^ field->tail2)) == 0;
}

static const bx_field_name *find_name(const bx_model *model, const uint8_t *p, size_t size)
{
    uint32_t hash = bx_hash_name((const char *)p, size);
    uint32_t at = hash & model->names_mask;

    while (model->names[at].text != NULL) {
        const bx_field_name *name = &model->names[at];

        if (name->hash == hash && name->size == size && memcmp(name->text, p, size) == 0) {
            return name;
        }
        at = (at + 1) & model->names_mask;
    }
    return NULL;
}

/* ---- reading ---- */

#define FEW_ATTRIBUTES 5 /* what a dict takes without growing */

/* One model on its way. Values go to the slots of `instance` if all fields have one, or into
 * `attributes` as long as they come in the order of the fields; else they wait on the run's stack
 * from `base` on, one place per field. */
typedef struct {
    bx_run *run;
    const bx_model *model;
    PyObject *instance;
    PyObject *attributes; /* dict of the first `found` fields, for BX_BUILD_PYDANTIC, or NULL */
    size_t base;
    PyObject *extra; /* dict of unknown fields, or of all for BX_BUILD_DICT; NULL if none yet */
    int last;        /* the field that was read last, or -1 */
    int found;       /* how many fields have a value */
} reading;

BX_INLINE PyObject **slot_of(PyObject *instance, Py_ssize_t slot)
{
    return (PyObject **)((char *)instance + slot);
}

BX_INLINE PyObject **place_of(reading *r, int field)
{
    if (r->instance != NULL) return slot_of(r->instance, r->model->fields[field].slot);
    return &r->run->stack[r->base + (size_t)field];
}

static bool has_value(reading *r, int field)
{
    return r->attributes != NULL ? field < r->found : *place_of(r, field) != NULL;
}

/* Reserve the places on the stack; -1 with MemoryError. */
static int reserve_places(reading *r)
{
    bx_run *run = r->run;
    size_t count = (size_t)r->model->count;

    if (BX_UNLIKELY(run->room - run->top < count) && bx_run_grow(run, count) < 0) return -1;
    memset(run->stack + run->top, 0, count * sizeof(PyObject *));
    run->top += count;
    return 0;
}

/* A new dict for all attributes. One of many is a copy of one with all names, which need not grow. */
static PyObject *new_attributes(const bx_model *model)
{
    return model->count <= FEW_ATTRIBUTES ? PyDict_New() : PyDict_Copy(model->no_values);
}

/* Move the attributes to their places: a field is missing, or comes out of order. */
static int spill_attributes(reading *r)
{
    if (reserve_places(r) < 0) return -1;
    for (int i = 0; i < r->found; i++) {
        PyObject *name = r->model->fields[i].name;
        PyObject *value = PyDict_GetItemWithError(r->attributes, name);

        if (value == NULL) {
            if (!PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, name);
            return -1;
        }
        r->run->stack[r->base + (size_t)i] = Py_NewRef(value);
    }
    Py_CLEAR(r->attributes);
    return 0;
}

static int store_extra(reading *r, PyObject *key, PyObject *value)
{
    if (r->extra == NULL) r->extra = PyDict_New();
    return r->extra == NULL ? -1 : PyDict_SetItem(r->extra, key, value);
}

static int keep_unknown(reading *r, PyObject *key, const uint8_t **at, bx_place *place)
{
    PyObject *value;
    int status;

    place->name = key;
    value = bx_read_node(r->run, r->model->rest, *place->element, at, place);
    if (value == NULL) {
        bx_misfit_in_field(r->run, key);
        return -1;
    }
    status = store_extra(r, key, value);
    Py_DECREF(value);
    return status;
}

static int check_tag(reading *r, const uint8_t **at, bx_place *place)
{
    const uint8_t *p = *at;
    PyObject *tag;
    int same;

    place->name = r->model->tag_field;
    tag = bx_read_tag(r->run, *place->element, at, place);
    if (tag == NULL) return -1;
    same = Py_IS_TYPE(tag, Py_TYPE(r->model->tag))
               ? PyObject_RichCompareBool(tag, r->model->tag, Py_EQ)
               : 0;
    Py_DECREF(tag);
    if (same == 0) {
        bx_misfit(r->run, p, "expected the tag %R", r->model->tag);
        bx_misfit_in_field(r->run, r->model->tag_field);
    }
    return same > 0 ? 0 : -1;
}

static BX_COLD int forbid_unknown(reading *r, const uint8_t *name, Py_ssize_t size,
                                  const bx_place *place)
{
    PyObject *key = PyUnicode_DecodeUTF8((const char *)name, size, "replace");

    if (key != NULL) {
        bx_misfit(r->run, place->element, "%U has no field %R", r->model->label, key);
    }
    Py_XDECREF(key);
    return -1;
}

/* Deal with an element that no field takes; its name ends at `nul`. */
static int read_unknown(reading *r, const uint8_t *nul, const uint8_t **at, bx_place *place)
{
    const uint8_t *name = place->element + 1;
    const bx_model *model = r->model;
    Py_ssize_t size = nul - name;

    if (model->tag_field != NULL && size == model->tag_size &&
        memcmp(name, model->tag_text, (size_t)size) == 0) {
        return check_tag(r, at, place);
    }
    if (model->unknown == BX_UNKNOWN_KEEP) {
        const uint8_t *p = name;
        PyObject *key = bx_decode_key(r->run->d, &p, place->end, r->run->d->options->errors);
        int status;

        if (key == NULL) return -1;
        status = keep_unknown(r, key, at, place);
        Py_DECREF(key);
        return status;
    }
    if (BX_UNLIKELY(!bx_is_known_type(*place->element))) {
        bx_bad_type_at(r->run->d, place->element, nul + 1);
        return -1;
    }
    if (bx_skip_value(r->run, *place->element, at, place) < 0) return -1;
    if (model->unknown != BX_UNKNOWN_FORBID) return 0;
    return forbid_unknown(r, name, size, place);
}

/* Put a value read (whose reference is taken) in its place. */
BX_INLINE int store_field(reading *r, int index, PyObject *value)
{
    PyObject **at, *old;

    if (r->attributes != NULL) {
        if (BX_LIKELY(index == r->found)) {
            int status = PyDict_SetItem(r->attributes, r->model->fields[index].name, value);

            r->last = index;
            r->found++;
            Py_DECREF(value);
            return status;
        }
        if (spill_attributes(r) < 0) {
            Py_DECREF(value);
            return -1;
        }
    }
    at = place_of(r, index);
    old = *at;
    *at = value;
    r->last = index;
    if (BX_LIKELY(old == NULL)) {
        r->found++;
    } else {
        Py_DECREF(old);
    }
    if (r->model->build != BX_BUILD_DICT) return 0;
    return store_extra(r, r->model->fields[index].name, value);
}

BX_INLINE int read_field(reading *r, int index, const uint8_t **at, bx_place *place)
{
    const bx_field *field = &r->model->fields[index];
    const bx_node *node = field->node;
    uint8_t type = *place->element;
    PyObject *value;

    if (field->takes_str && type == BX_STRING) {
        value = bx_decode_string(r->run->d, at, place->end);
    } else {
        place->name = field->key;
        value = bx_read_node(r->run, node, type, at, place);
    }
    if (BX_UNLIKELY(value == NULL)) {
        bx_misfit_in_field(r->run, field->key);
        return -1;
    }
    return store_field(r, index, value);
}

/* The field that will come next, as far as one can know. */
BX_INLINE int expected(const reading *r)
{
    return bx_glance_int(&r->model->follow[r->last + 1]);
}

/* Remember what came after the last field: documents of one kind have their fields in one order,
 * which need not be that of the class. */
static void expect(reading *r, int field)
{
    bx_note_int(&r->model->follow[r->last + 1], field);
}

/* An element whose name is not the expected one. */
static int read_unexpected(reading *r, const uint8_t **at, bx_place *place)
{
    const uint8_t *name = *at;
    const uint8_t *nul = memchr(name, 0, (size_t)(place->end - name));
    const bx_field_name *found;

    if (BX_UNLIKELY(nul == NULL)) {
        bx_bad(r->run->d, name, "field name too large");
        return -1;
    }
    *at = nul + 1;
    found = find_name(r->model, name, (size_t)(nul - name));
    if (found == NULL) return read_unknown(r, nul, at, place);
    expect(r, found->field);
    if (found->weak && has_value(r, found->field)) {
        place->name = r->model->fields[found->field].key;
        return bx_skip_value(r->run, *place->element, at, place);
    }
    return read_field(r, found->field, at, place);
}

static int read_fields(reading *r, const uint8_t *p, const uint8_t *last)
{
    const bx_model *model = r->model;
    const uint8_t *limit = r->run->d->limit;

    while (p < last) {
        bx_place place = {p, last, NULL};
        int next = expected(r);
        int status;

        p++;
        if (next < model->count && is_field(&model->fields[next], p, last, limit)) {
            p += model->fields[next].size + 1;
            status = read_field(r, next, &p, &place);
        } else {
            status = read_unexpected(r, &p, &place);
        }
        if (BX_UNLIKELY(status < 0)) return -1;
    }
    return 0;
}

/* ---- building ---- */

/* Tell the collector about a complete instance. */
BX_INLINE void track(const bx_model *model, PyObject *instance)
{
    if (model->plain_alloc) PyObject_GC_Track(instance);
}

static BX_COLD int missing_field(reading *r, const bx_field *field, const uint8_t *p)
{
    bx_misfit(r->run, p, "%U needs the field %R", r->model->label, field->key);
    return -1;
}

/* The value of a field that the document did not have (new reference): NULL with an exception, or
 * without one if it may be absent. */
static PyObject *default_of(reading *r, const bx_field *field, const uint8_t *p)
{
    PyObject *value;

    switch (field->otherwise) {
    case BX_NO_DEFAULT:
        missing_field(r, field, p);
        return NULL;
    case BX_DEFAULT:
        return Py_NewRef(field->fallback);
    case BX_FACTORY:
        value = PyObject_CallNoArgs(field->fallback);
        return value != NULL ? value : bx_wrap_user_error(r->run, p);
    default:
        return NULL;
    }
}

/* Fill the places of fields that the document did not have. */
static int add_defaults(reading *r, const uint8_t *p)
{
    if (BX_LIKELY(r->found == r->model->count)) return 0;
    for (int i = 0; i < r->model->count; i++) {
        const bx_field *field = &r->model->fields[i];

        if (BX_LIKELY(*place_of(r, i) != NULL)) continue;
        *place_of(r, i) = default_of(r, field, p);
        if (*place_of(r, i) == NULL && field->otherwise != BX_MAY_BE_ABSENT) return -1;
    }
    return 0;
}

/* Take the value of a field off its place. */
static PyObject *take(reading *r, int field)
{
    PyObject *value = *place_of(r, field);

    *place_of(r, field) = NULL;
    return value;
}

static PyObject *build_tuple(reading *r)
{
    PyTypeObject *cls = r->model->cls;
    PyObject *tuple = cls->tp_alloc(cls, r->model->count);

    for (int i = 0; tuple != NULL && i < r->model->count; i++) {
        PyTuple_SET_ITEM(tuple, i, take(r, i));
    }
    return tuple;
}

/* Whether a field is there, and an argument of the constructor. */
BX_INLINE bool is_argument(reading *r, int field)
{
    return *place_of(r, field) != NULL && !r->model->fields[field].late;
}

/* The names of the arguments that are there. */
static PyObject *present_names(reading *r, Py_ssize_t *count)
{
    Py_ssize_t n = 0;
    PyObject *names;

    for (int i = 0; i < r->model->count; i++) n += is_argument(r, i);
    *count = n;
    if (n == r->model->arguments) return Py_NewRef(r->model->all_names);
    names = PyTuple_New(n);
    n = 0;
    for (int i = 0; names != NULL && i < r->model->count; i++) {
        if (!is_argument(r, i)) continue;
        PyTuple_SET_ITEM(names, n++, Py_NewRef(r->model->fields[i].name));
    }
    return names;
}

static PyObject *call_class(reading *r)
{
    Py_ssize_t count, n = 0;
    PyObject *names = present_names(r, &count);
    PyObject **arguments, *instance;

    if (names == NULL) return NULL;
    arguments = PyMem_Malloc(sizeof(PyObject *) * (size_t)(count + 1));
    if (arguments == NULL) {
        Py_DECREF(names);
        return PyErr_NoMemory();
    }
    for (int i = 0; i < r->model->count; i++) {
        if (is_argument(r, i)) arguments[n++] = *place_of(r, i);
    }
    instance = PyObject_Vectorcall((PyObject *)r->model->cls, arguments, 0, names);
    PyMem_Free(arguments);
    Py_DECREF(names);
    return instance;
}

/* Set a field that is no argument, also of a frozen class; a property keeps its own value. */
static int set_late(PyObject *instance, PyObject *name, PyObject *value)
{
    if (PyObject_SetAttr(instance, name, value) == 0) return 0;
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return -1;
    PyErr_Clear();
    if (PyObject_GenericSetAttr(instance, name, value) == 0) return 0;
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return -1;
    PyErr_Clear();
    return 0;
}

static PyObject *build_call(reading *r, const uint8_t *p)
{
    const bx_model *model = r->model;
    PyObject *instance = call_class(r);

    for (int i = 0; instance != NULL && model->arguments < model->count && i < model->count; i++) {
        PyObject *value = *place_of(r, i);

        if (value == NULL || !model->fields[i].late) continue;
        if (set_late(instance, model->fields[i].name, value) < 0) Py_CLEAR(instance);
    }
    return instance != NULL ? instance : bx_wrap_user_error(r->run, p);
}

static void set_slot(PyObject *instance, Py_ssize_t slot, PyObject *value)
{
    PyObject *old = *slot_of(instance, slot);

    *slot_of(instance, slot) = value;
    Py_XDECREF(old);
}

/* Give a fresh instance the values of its fields. */
static int set_attributes(reading *r, PyObject *instance)
{
    for (int i = 0; i < r->model->count; i++) {
        const bx_field *field = &r->model->fields[i];
        PyObject *value = take(r, i);
        int status;

        if (value == NULL) continue;
        if (field->slot > 0) {
            set_slot(instance, field->slot, value);
            continue;
        }
        status = PyObject_GenericSetAttr(instance, field->name, value);
        Py_DECREF(value);
        if (BX_UNLIKELY(status < 0)) return -1;
    }
    return 0;
}

/* The names of the fields that the document had. */
static PyObject *provided_names(reading *r)
{
    const bx_model *model = r->model;
    PyObject *names;

    if (r->found == model->count) return PySet_New(model->all_names);
    names = PySet_New(NULL);
    for (int i = 0; names != NULL && i < model->count; i++) {
        if (*place_of(r, i) == NULL) continue;
        if (PySet_Add(names, model->fields[i].name) < 0) Py_CLEAR(names);
    }
    return names;
}

static int add_extra_names(PyObject *names, PyObject *extra)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;

    while (extra != NULL && PyDict_Next(extra, &position, &key, &value)) {
        if (PySet_Add(names, key) < 0) return -1;
    }
    return 0;
}

/* Set what pydantic keeps, in its slot or as pydantic does it. Takes the reference to `value`. */
static int set_kept(PyObject *instance, Py_ssize_t slot, const char *text, PyObject *value)
{
    PyObject *name;
    int status;

    if (BX_LIKELY(slot > 0)) {
        set_slot(instance, slot, value);
        return 0;
    }
    name = PyUnicode_InternFromString(text);
    status = name == NULL ? -1 : PyObject_GenericSetAttr(instance, name, value);
    Py_XDECREF(name);
    Py_DECREF(value);
    return status;
}

/* The bookkeeping of a pydantic model. Takes the reference to `names`. */
static int set_pydantic(reading *r, PyObject *instance, PyObject *names)
{
    const bx_model *model = r->model;
    PyObject *extra = Py_NewRef(Py_None);

    if (model->unknown == BX_UNKNOWN_KEEP) {
        Py_SETREF(extra, r->extra != NULL ? Py_NewRef(r->extra) : PyDict_New());
        if (extra == NULL || add_extra_names(names, extra) < 0) {
            Py_XDECREF(extra);
            Py_DECREF(names);
            return -1;
        }
    }
    if (set_kept(instance, model->fields_set, "__pydantic_fields_set__", names) < 0) {
        Py_DECREF(extra);
        return -1;
    }
    if (set_kept(instance, model->extra, "__pydantic_extra__", extra) < 0) return -1;
    return set_kept(instance, model->private_, "__pydantic_private__", Py_NewRef(Py_None));
}

/* A struct without references to containers needs no cyclic collection; msgspec tracks it when that
 * changes. */
static bool needs_tracking(const bx_model *model, PyObject *instance)
{
    if (model->build != BX_BUILD_STRUCT) return true;
    for (int i = 0; i < model->count; i++) {
        if (!bx_is_flat(*slot_of(instance, model->fields[i].slot))) return true;
    }
    return false;
}

static PyObject *call_post_init(reading *r, PyObject *instance, const uint8_t *p)
{
    PyObject *name = r->model->post_init;
    PyObject *result = r->model->post_init_argument
                           ? PyObject_CallMethodOneArg(instance, name, Py_None)
                           : PyObject_CallMethodNoArgs(instance, name);

    if (result == NULL) {
        Py_DECREF(instance);
        return bx_wrap_user_error(r->run, p);
    }
    Py_DECREF(result);
    return instance;
}

/* The instance that a plan with slots for everything has filled. */
static PyObject *finish_slots(reading *r, const uint8_t *p)
{
    PyObject *instance;

    if (add_defaults(r, p) < 0) return NULL;
    instance = r->instance;
    r->instance = NULL;
    if (needs_tracking(r->model, instance)) track(r->model, instance);
    return r->model->post_init != NULL ? call_post_init(r, instance, p) : instance;
}

static PyObject *build_attributes(reading *r, const uint8_t *p)
{
    PyTypeObject *cls = r->model->cls;
    PyObject *instance = PyBaseObject_Type.tp_new(cls, r->run->typed->no_arguments, NULL);

    if (instance == NULL) return NULL;
    if (set_attributes(r, instance) < 0) {
        Py_DECREF(instance);
        return NULL;
    }
    return r->model->post_init != NULL ? call_post_init(r, instance, p) : instance;
}

/* The attributes of a pydantic model, from where they are. */
static PyObject *attributes_dict(reading *r)
{
    PyObject *dict;

    if (r->attributes != NULL) return Py_NewRef(r->attributes);
    dict = PyDict_New();
    for (int i = 0; dict != NULL && i < r->model->count; i++) {
        PyObject *value = *place_of(r, i);

        if (value != NULL && PyDict_SetItem(dict, r->model->fields[i].name, value) < 0) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

/* Takes the reference to `names`. */
static PyObject *build_pydantic(reading *r, PyObject *names, const uint8_t *p)
{
    PyObject *dict = attributes_dict(r);
    PyObject *instance = dict == NULL ? NULL : bx_new_instance(r->model->cls, r->model->plain_alloc);

    if (instance == NULL || PyObject_GenericSetDict(instance, dict, NULL) < 0) {
        Py_XDECREF(dict);
        Py_XDECREF(instance);
        Py_DECREF(names);
        return NULL;
    }
    Py_DECREF(dict);
    if (set_pydantic(r, instance, names) < 0) {
        Py_DECREF(instance);
        return NULL;
    }
    track(r->model, instance);
    return r->model->post_init != NULL ? call_post_init(r, instance, p) : instance;
}

/* Make the instance of the values read for the document at `p`. */
static PyObject *build(reading *r, const uint8_t *p)
{
    PyObject *names = NULL;

    if (r->instance != NULL) return finish_slots(r, p);
    if (r->attributes != NULL && r->found < r->model->count && spill_attributes(r) < 0) return NULL;
    if (r->model->build == BX_BUILD_PYDANTIC && (names = provided_names(r)) == NULL) return NULL;
    if (add_defaults(r, p) < 0) {
        Py_XDECREF(names);
        return NULL;
    }
    switch (r->model->build) {
    case BX_BUILD_DICT:
        return r->extra != NULL ? Py_NewRef(r->extra) : PyDict_New();
    case BX_BUILD_TUPLE:
        return build_tuple(r);
    case BX_BUILD_CALL:
        return build_call(r, p);
    case BX_BUILD_PYDANTIC:
        return build_pydantic(r, names, p);
    default:
        return build_attributes(r, p);
    }
}

/* ---- models ---- */

/* Make room for the values of a model; -1 with MemoryError. */
static int start_reading(reading *r, bx_run *run, const bx_model *model)
{
    *r = (reading){.run = run, .model = model, .base = run->top, .last = -1};
    if (model->all_slots) {
        r->instance = bx_new_instance(model->cls, model->plain_alloc);
        return r->instance == NULL ? -1 : 0;
    }
    if (model->build == BX_BUILD_PYDANTIC) {
        r->attributes = new_attributes(model);
        return r->attributes == NULL ? -1 : 0;
    }
    return reserve_places(r);
}

BX_INLINE void end_reading(reading *r)
{
    if (r->run->top > r->base) bx_drop(r->run, r->base);
    Py_XDECREF(r->instance);
    Py_XDECREF(r->attributes);
    Py_XDECREF(r->extra);
}

static PyObject *read_document(bx_run *run, const bx_model *model, const uint8_t **at,
                               const bx_place *place)
{
    const uint8_t *start = *at, *p, *last;
    PyObject *instance = NULL;
    reading r;

    if (bx_run_enter(run, BX_DOCUMENT, at, place->end, &p, &last) < 0) return NULL;
    if (start_reading(&r, run, model) == 0) {
        if (read_fields(&r, p, last) == 0) instance = build(&r, start);
        end_reading(&r);
    }
    bx_run_leave(run);
    return instance;
}

/* A named tuple, stored by position as it is encoded inside a document. */
static PyObject *read_positions(bx_run *run, const bx_model *model, const uint8_t **at,
                                const bx_place *place)
{
    const uint8_t *start = *at;
    const bx_node **nodes = PyMem_Malloc(sizeof(*nodes) * (size_t)(model->count + 1));
    PyObject *instance = NULL;
    reading r = {.run = run, .model = model, .base = run->top, .last = -1};
    int status;

    if (nodes == NULL) return PyErr_NoMemory();
    for (int i = 0; i < model->count; i++) nodes[i] = model->fields[i].node;
    status = bx_push_positions(run, nodes, model->count, model->label, at, place);
    PyMem_Free(nodes);
    r.found = (int)(run->top - r.base);
    while (status == 0 && run->top < r.base + (size_t)model->count) status = bx_push(run, NULL);
    if (status == 0) instance = build(&r, start);
    end_reading(&r);
    return instance;
}

PyObject *bx_read_model(bx_run *run, const bx_node *node, uint8_t type, const uint8_t **at,
                        const bx_place *place)
{
    const bx_model *model = node->model;
    const uint8_t *start = *at;
    int depth = run->d->guard.depth;
    PyObject *instance;

    if (type == BX_ARRAY) return read_positions(run, model, at, place);
    if (model->build != BX_BUILD_VALIDATED) {
        instance = read_document(run, model, at, place);
        if (BX_LIKELY(instance != NULL) || model->fallback == NULL || !bx_is_misfit(run)) {
            return instance;
        }
        PyErr_Clear();
        *at = start;
        bx_leave_to(&run->d->guard, depth);
        if (bx_pay_retry(run, type, start) < 0) return NULL;
    }
    return bx_read_node(run, model->fallback, type, at, place);
}
