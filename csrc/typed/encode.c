/* Instances of classes with fields as documents (see bsonx._typed.encode). */
#include "typed/encode.h"

#include "core/encode_inline.h"
#include "typed/attributes.h"
#include "typed/encode_plan.h"

/* One instance on its way. */
typedef struct {
    bx_encoder *e;
    const bx_encode_plan *plan;
    PyObject *instance;
    PyObject *dumped; /* dict of the fields that pydantic serializes, or NULL */
    bx_attributes attributes;
} encoding;

/* After Python code: what is known of the instance's attributes may have changed. */
BX_INLINE void open_again(encoding *i)
{
    if (i->plan->in_dict) bx_attributes_open(&i->attributes, i->instance);
}

/* ---- values ---- */

/* A value that Python code may be needed for: 1 with a new reference, 0 there is none and the
 * field is left out, -1 with an exception. */
static BX_NOINLINE int slow_value(encoding *i, const bx_stored_field *field, PyObject **value)
{
    if (field->source == BX_FROM_DUMP) return bx_dict_get(i->dumped, field->constant, value);
    i->e->foreign++;
    *value = PyObject_GetAttr(i->instance, field->name);
    open_again(i);
    return *value == NULL ? -1 : 1;
}

/* The value of a field without Python code: borrowed, or NULL. */
BX_INLINE PyObject *quick_value(encoding *i, const bx_stored_field *field)
{
    switch (field->source) {
    case BX_FROM_SLOT:
        return *(PyObject **)((char *)i->instance + field->slot);
    case BX_FROM_DICT:
        return bx_attribute(&i->attributes, field->name);
    case BX_FROM_CONSTANT:
        return field->constant;
    default:
        return NULL;
    }
}

/* Whether the value of an optional field is left out. */
static bool is_left_out(const bx_stored_field *field, PyObject *value)
{
    if (value == field->fallback) return true;
    if (field->empty != NULL && Py_IS_TYPE(value, field->empty)) {
        return PyObject_IsTrue(value) == 0; /* of a builtin container */
    }
    return value == Py_None && field->is_id;
}

/* ---- elements ---- */

/* Append room for the type, and the key; room for a scalar is reserved as well. */
BX_INLINE uint8_t *put_header(bx_encoder *e, uint8_t *p, const bx_stored_field *field)
{
    const uint8_t *header = field->header;

    p = bx_reserve(e, p, field->header_room + BX_SCALAR_ROOM);
    if (BX_UNLIKELY(p == NULL)) return NULL;
    memcpy(p, header, BX_HEADER_BLOCK);
    for (size_t at = BX_HEADER_BLOCK; BX_UNLIKELY(at < field->header_room);
         at += BX_HEADER_BLOCK) {
        memcpy(p + at, header + at, BX_HEADER_BLOCK);
    }
    return p + field->header_size;
}

/* A value that needs more than a few bytes: it may run Python code. */
static BX_NOINLINE uint8_t *put_other(encoding *i, uint8_t *p, const bx_stored_field *field,
                                      PyObject *value)
{
    bx_encoder *e = i->e;
    int status;

    e->w.p = p;
    Py_INCREF(value);
    status = bx_encode_value(e, (size_t)(p - e->w.base) - field->header_size, value);
    Py_DECREF(value);
    open_again(i);
    return BX_UNLIKELY(status < 0) ? NULL : e->w.p;
}

/* An element whose key is to be checked, or cannot be stored. */
static BX_NOINLINE uint8_t *put_checked(encoding *i, uint8_t *p, const bx_stored_field *field,
                                        PyObject *value)
{
    int status;

    i->e->w.p = p;
    Py_INCREF(value);
    status = bx_encode_keyed(i->e, field->key, value);
    Py_DECREF(value);
    open_again(i);
    return BX_UNLIKELY(status < 0) ? NULL : i->e->w.p;
}

BX_INLINE uint8_t *put_field(encoding *i, uint8_t *p, const bx_stored_field *field,
                             PyObject *value)
{
    bx_encoder *e = i->e;
    bool other = false;

    if (BX_UNLIKELY(field->header_size == 0 || e->check_keys)) {
        return put_checked(i, p, field, value);
    }
    p = put_header(e, p, field);
    if (BX_LIKELY(p != NULL)) p = bx_put_simple(e, p, field->header_size, value, &other);
    if (BX_UNLIKELY(other)) p = put_other(i, p, field, value);
    if (BX_UNLIKELY(p == NULL)) bx_path_add_key(e, field->key);
    return p;
}

/* The elements of a dict that an instance has beside its fields. */
static uint8_t *put_extra(encoding *i, uint8_t *p, const bx_stored_field *field)
{
    PyObject *extra, *pairs, *key, *value;
    Py_ssize_t position = 0;
    int status;

    i->e->foreign++;
    status = bx_getattr_optional(i->instance, field->name, &extra);
    open_again(i);
    if (status <= 0) return status < 0 ? NULL : p;
    if (!PyDict_Check(extra) || PyDict_GET_SIZE(extra) == 0) {
        Py_DECREF(extra);
        return p;
    }
    pairs = PyDict_Copy(extra); /* which nobody else can change */
    Py_DECREF(extra);
    if (pairs == NULL) return NULL;
    i->e->w.p = p;
    while (status >= 0 && PyDict_Next(pairs, &position, &key, &value)) {
        status = bx_encode_keyed(i->e, key, value);
    }
    Py_DECREF(pairs);
    open_again(i);
    return status < 0 ? NULL : i->e->w.p;
}

/* What is not found in a slot or in the dict. */
static BX_NOINLINE uint8_t *put_slowly(encoding *i, uint8_t *p, const bx_stored_field *field)
{
    PyObject *value;
    int status;

    i->e->w.p = p;
    if (field->source == BX_FROM_EXTRA) return put_extra(i, p, field);
    status = slow_value(i, field, &value);
    if (status <= 0) {
        if (status < 0) bx_path_add_key(i->e, field->key);
        return status < 0 ? NULL : p;
    }
    if (value != i->plan->unset && !(field->optional && is_left_out(field, value))) {
        p = put_field(i, p, field, value);
    }
    Py_DECREF(value);
    return p;
}

static int encode_fields(encoding *i, bool top)
{
    const bx_encode_plan *plan = i->plan;
    const bx_stored_field *field = top ? plan->top : plan->nested;
    const bx_stored_field *stop = field + plan->count;
    uint8_t *p = i->e->w.p;

    for (; field < stop; field++) {
        PyObject *value = quick_value(i, field);

        if (BX_UNLIKELY(value == NULL)) {
            p = put_slowly(i, p, field);
        } else if (BX_UNLIKELY(value == plan->unset)) {
            continue;
        } else if (BX_UNLIKELY(field->optional) && is_left_out(field, value)) {
            continue;
        } else {
            p = put_field(i, p, field, value);
        }
        if (BX_UNLIKELY(p == NULL)) return -1;
    }
    i->e->w.p = p;
    return 0;
}

/* ---- instances ---- */

static int encode_container(bx_encoder *e, const bx_encode_plan *plan, PyObject *instance,
                            bool top)
{
    Py_ssize_t at = bx_open_container(e);
    encoding i;
    int status;

    i.e = e;
    i.plan = plan;
    i.instance = instance;
    i.dumped = NULL;
    i.attributes.next = 0;
    if (BX_UNLIKELY(at < 0)) return -1;
    if (BX_UNLIKELY(plan->dump_some != NULL)) {
        e->foreign++;
        i.dumped = PyObject_CallOneArg(plan->dump_some, instance);
        if (i.dumped == NULL) return -1;
    }
    Py_BEGIN_CRITICAL_SECTION(instance);
    open_again(&i);
    status = encode_fields(&i, top);
    Py_END_CRITICAL_SECTION();
    Py_XDECREF(i.dumped);
    return status < 0 ? -1 : bx_close_container(e, at);
}

/* What is stored in place of the instance. */
static int encode_dumped(bx_encoder *e, size_t at, const bx_encode_plan *plan, PyObject *instance,
                         bool top)
{
    PyObject *dumped;
    int status;

    if (!bx_enter(&e->guard)) return bx_encode_too_deep();
    e->foreign++;
    dumped = PyObject_CallFunctionObjArgs(plan->dump, instance, top ? Py_True : Py_False, NULL);
    if (dumped == NULL) return -1;
    status = top ? bx_encode_top_instead(e, dumped, instance)
                 : bx_encode_from(e, at, dumped, BX_FROM_PLAIN);
    Py_DECREF(dumped);
    if (status == 0) bx_leave(&e->guard);
    return status;
}

/* Let the next instance of this class be recognized at once. */
BX_INLINE void remember(bx_encoder *e, bx_encode_plan *plan)
{
    if (BX_FREE_THREADED || !plan->quick || plan->version == 0) return;
    if (e->options->encoders != NULL || e->options->fallback != NULL) return;
    e->instance_type = plan->cls;
    e->instance_version = plan->version;
    if (e->instance_plan != (PyObject *)plan) {
        Py_XSETREF(e->instance_plan, Py_NewRef((PyObject *)plan));
    }
}

/* As the class's plan says, which is given up here: 1, or -1 with an exception. Inside an instance
 * the profile "python" holds, whatever the options say. */
static int encode_planned(bx_encoder *e, size_t at, bx_encode_plan *plan, PyObject *instance,
                          bool top)
{
    bool extended = e->extended;
    int status, uuid_representation = e->uuid_representation;

    e->extended = true;
    if (!extended && uuid_representation == BX_UUID_UNSPECIFIED) {
        e->uuid_representation = BX_UUID_STANDARD;
    }
    if (!top) bx_set_type(e, at, BX_DOCUMENT);
    status = plan->dump != NULL ? encode_dumped(e, at, plan, instance, top)
                                : encode_container(e, plan, instance, top);
    e->extended = extended;
    e->uuid_representation = uuid_representation;
    remember(e, plan);
    Py_DECREF(plan);
    return status < 0 ? -1 : 1;
}

/* The plan (a new reference, or NULL) made anew if the class has changed; -1 with an exception. */
BX_INLINE int keep_up(bx_encoder *e, bx_encode_plan **plan)
{
    if (BX_LIKELY(!bx_encode_plan_is_old(*plan)) ||
        bx_encode_plan_refresh(e->st, plan) == 0) {
        return 0;
    }
    Py_CLEAR(*plan);
    return -1;
}

int bx_encode_known_instance(bx_encoder *e, size_t at, PyObject *value, bool top)
{
    bx_encode_plan *plan = bx_encode_plan_known(e->st, Py_TYPE(value));

    if (plan == NULL) return 0;
    if (keep_up(e, &plan) < 0) return -1;
    if (plan->quick) return encode_planned(e, at, plan, value, top);
    Py_DECREF(plan);
    return 0;
}

int bx_encode_same_instance(bx_encoder *e, size_t at, PyObject *value)
{
    if (BX_UNLIKELY(bx_glance_uint(&Py_TYPE(value)->tp_version_tag) != e->instance_version)) {
        e->instance_type = NULL;
        return 0;
    }
    return encode_planned(e, at, (bx_encode_plan *)Py_NewRef(e->instance_plan), value, false);
}

static int encode_instance(bx_encoder *e, size_t at, PyObject *value, bool top)
{
    bx_encode_plan *plan;
    int status = bx_encode_plan_find(e->st, Py_TYPE(value), &plan);

    if (status <= 0) return status;
    if (keep_up(e, &plan) < 0) return -1;
    return encode_planned(e, at, plan, value, top);
}

int bx_encode_instance(bx_encoder *e, size_t at, PyObject *value)
{
    return encode_instance(e, at, value, false);
}

int bx_encode_instance_top(bx_encoder *e, PyObject *value)
{
    return encode_instance(e, 0, value, true);
}
