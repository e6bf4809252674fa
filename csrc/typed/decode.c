/* Executes plans: scalars, containers and choices. Models are read in plan_model.c. */
#include "typed/run.h"

#include <stdarg.h>

#include "core/datetime_bson.h"
#include "core/skip.h"
#include "types/types.h"

/* How many bytes may be read in vain, per byte of the document, while alternatives of unions are
 * tried: nested unions could otherwise cost exponential time. */
enum { RETRY_FACTOR = 16, RETRY_FLOOR = 4096 };

/* ---- errors ---- */

const char *bx_type_name(uint8_t type)
{
    static const char *const names[BX_TYPE_SLOTS] = {
        "unknown", "double",    "string", "object",     "array",  "binData",
        "undefined", "objectId", "bool",   "date",       "null",   "regex",
        "dbPointer", "javascript", "symbol", "javascriptWithScope", "int", "timestamp",
        "long",    "decimal",   "maxKey", "minKey"};

    return names[bx_type_slot(type)];
}

void *bx_misfit(bx_run *run, const uint8_t *p, const char *reason, ...)
{
    PyObject *text, *error = NULL;
    va_list args;

    va_start(args, reason);
    text = PyUnicode_FromFormatV(reason, args);
    va_end(args);
    if (text != NULL) {
        error = PyObject_CallFunction(run->typed->TypedDecodeError, "On", text,
                                      bx_offset(run->d, p));
        Py_DECREF(text);
    }
    if (error != NULL) {
        PyErr_SetObject(run->typed->TypedDecodeError, error);
        Py_DECREF(error);
    }
    return NULL;
}

bool bx_is_misfit(bx_run *run)
{
    return PyErr_ExceptionMatches(run->typed->TypedDecodeError);
}

/* Takes the reference to `step`. */
static void *misfit_within(bx_run *run, PyObject *step)
{
    PyObject *error, *result;

    if (!bx_is_misfit(run)) {
        Py_XDECREF(step);
        return NULL;
    }
    error = bx_take_exception();
    result = step == NULL ? NULL : PyObject_CallMethod(error, "_within", "O", step);
    if (result == NULL) PyErr_Clear();
    Py_XDECREF(result);
    Py_XDECREF(step);
    bx_raise_exception(error);
    return NULL;
}

void *bx_misfit_in_field(bx_run *run, PyObject *key)
{
    return misfit_within(run, Py_NewRef(key));
}

void *bx_misfit_in_item(bx_run *run, Py_ssize_t index)
{
    PyObject *error = bx_take_exception();
    PyObject *step = PyLong_FromSsize_t(index);

    bx_raise_exception(error);
    return misfit_within(run, step);
}

void *bx_wrap_user_error(bx_run *run, const uint8_t *p)
{
    PyObject *error, *wrapped;

    if (!PyErr_ExceptionMatches(run->typed->USER_ERRORS)) return NULL;
    error = bx_take_exception();
    wrapped = PyObject_CallFunction(run->typed->wrap_error, "On", error, bx_offset(run->d, p));
    Py_DECREF(error);
    if (wrapped != NULL) bx_raise_exception(wrapped);
    return NULL;
}

static BX_COLD void *wrong_type(bx_run *run, const bx_node *node, uint8_t type, const uint8_t *p,
                                const bx_place *place)
{
    if (!bx_is_known_type(type)) return bx_bad_type(run->d, place->element, place->name);
    return bx_misfit(run, p, "expected %U, got %s", node->label, bx_type_name(type));
}

void *bx_bad_type_at(bx_decoder *d, const uint8_t *element, const uint8_t *value)
{
    PyObject *name = PyUnicode_DecodeUTF8((const char *)element + 1, value - element - 2,
                                          "replace");

    if (name != NULL) bx_bad_type(d, element, name);
    Py_XDECREF(name);
    return NULL;
}

int bx_pay_retry(bx_run *run, uint8_t type, const uint8_t *p)
{
    bool sized = (type == BX_DOCUMENT || type == BX_ARRAY) && run->d->limit - p >= 4;

    run->retries -= sized ? (int32_t)bx_load32(p) : 16;
    if (run->retries >= 0) return 0;
    bx_bad(run->d, p, "too many alternatives to try");
    return -1;
}

/* ---- the stack of values ---- */

int bx_run_grow(bx_run *run, size_t more)
{
    size_t room = run->room ? run->room : 64;
    PyObject **stack;

    while (room < run->top + more) room *= 2;
    stack = PyMem_Realloc(run->stack, room * sizeof(PyObject *));
    if (stack == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    run->stack = stack;
    run->room = room;
    return 0;
}

void bx_drop(bx_run *run, size_t base)
{
    while (run->top > base) Py_XDECREF(run->stack[--run->top]);
}

/* ---- moving over elements ---- */

int bx_skip_value(bx_run *run, uint8_t type, const uint8_t **at, const bx_place *place)
{
    const uint8_t *next;

    if (BX_UNLIKELY(!bx_is_known_type(type))) {
        bx_bad_type(run->d, place->element, place->name);
        return -1;
    }
    next = bx_value_end(type, *at, place->end);
    if (BX_UNLIKELY(next == NULL)) {
        bx_bad_element(run->d, *at);
        return -1;
    }
    *at = next;
    return 0;
}

/* ---- scalars ---- */

/* A scalar as it is stored, whatever converters the options have. */
static PyObject *read_stored(bx_run *run, uint8_t type, const uint8_t **at,
                             const bx_place *place)
{
    return bx_decode_stored(run->d, type, at, place->end, place->name, place->element);
}

static PyObject *read_any(bx_run *run, uint8_t type, const uint8_t **at, const bx_place *place)
{
    return bx_decode_value(run->d, type, at, place->end, place->name, place->element);
}

static PyObject *read_int(bx_run *run, const bx_node *node, uint8_t type, const uint8_t **at,
                          const bx_place *place)
{
    const uint8_t *p = bx_take(at, place->end, type == BX_INT32 ? 4 : 8);
    int64_t number;

    if (BX_UNLIKELY(p == NULL)) return bx_bad_element(run->d, *at);
    number = type == BX_INT32 ? (int32_t)bx_load32(p) : (int64_t)bx_load64(p);
    if (node->kind == BX_K_INT64) return bx_int64_new(run->d->st, number);
    if (node->kind == BX_K_FLOAT) return PyFloat_FromDouble((double)number);
    return PyLong_FromLongLong(number);
}

static PyObject *uuid_of(bx_run *run, const uint8_t *payload, Py_ssize_t size, int subtype)
{
    int representation = run->d->options->uuid_representation;
    PyObject *binary, *uuid;

    if (size != 16) return NULL;
    if (subtype == 4) return bx_uuid_new(run->d->st, payload);
    if (subtype != 3 || representation == BX_UUID_UNSPECIFIED ||
        representation == BX_UUID_STANDARD) {
        return NULL;
    }
    binary = bx_binary_new(run->d->st, payload, size, subtype);
    if (binary == NULL) return NULL;
    uuid = PyObject_CallMethod(binary, "as_uuid", "i", representation);
    Py_DECREF(binary);
    return uuid;
}

static PyObject *read_binary(bx_run *run, const bx_node *node, const uint8_t **at,
                             const bx_place *place)
{
    const uint8_t *p = *at;
    Py_ssize_t size = 0;
    int subtype = 0;
    const uint8_t *payload = bx_take_binary(at, place->end, &size, &subtype);
    PyObject *value;

    if (payload == NULL) return bx_bad_element(run->d, *at);
    if (node->kind == BX_K_BINARY) return bx_binary_new(run->d->st, payload, size, subtype);
    if (node->kind == BX_K_BYTES) {
        if (subtype == 0) return PyBytes_FromStringAndSize((const char *)payload, size);
        return bx_misfit(run, p, "expected %U, got binData of subtype %d", node->label, subtype);
    }
    value = uuid_of(run, payload, size, subtype);
    if (value != NULL || PyErr_Occurred()) return value;
    return bx_misfit(run, p, "expected UUID, got binData of subtype %d and length %d", subtype,
                     (int)size);
}

/* The declared type counts, not the conversion of the options; clamping is their affair. */
static PyObject *read_datetime(bx_run *run, const uint8_t **at, const bx_place *place)
{
    const bx_options *options = run->d->options;
    bool clamp = options->datetime_conversion == BX_DATETIME_CLAMP;
    const uint8_t *p = bx_take(at, place->end, 8);
    PyObject *value;

    if (BX_UNLIKELY(p == NULL)) return bx_bad_element(run->d, *at);
    value = bx_datetime_converted(run->d->st, options,
                                  clamp ? BX_DATETIME_CLAMP : BX_DATETIME_OBJECT,
                                  (int64_t)bx_load64(p));
    return BX_LIKELY(value != NULL) ? value : bx_wrap_error(run->d, p);
}

static PyObject *read_datetime_ms(bx_run *run, const uint8_t **at, const bx_place *place)
{
    const uint8_t *p = bx_take(at, place->end, 8);

    if (p == NULL) return bx_bad_element(run->d, *at);
    return bx_datetime_ms_new(run->d->st, (int64_t)bx_load64(p));
}

static PyObject *read_instance(bx_run *run, const bx_node *node, uint8_t type,
                               const uint8_t **at, const bx_place *place)
{
    const uint8_t *p = *at;
    PyObject *value = read_any(run, type, at, place);
    int fits = value == NULL ? -1 : PyObject_IsInstance(value, node->cls);

    if (fits > 0) return value;
    if (fits == 0) {
        PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(value), "__name__");

        if (name != NULL) bx_misfit(run, p, "expected %U, got %U", node->label, name);
        Py_XDECREF(name);
    }
    Py_XDECREF(value);
    return NULL;
}

/* A document decoded with another document_class. */
static PyObject *read_document(bx_run *run, const bx_node *node, const uint8_t **at,
                               const bx_place *place)
{
    const bx_options *outer = run->d->options;
    const uint8_t *p = *at, *first, *last;
    PyObject *document = NULL;

    if (bx_run_enter(run, BX_DOCUMENT, at, place->end, &first, &last) < 0) return NULL;
    bx_run_leave(run);
    run->d->options = bx_options_nested(run->d->st, outer, node->cls);
    if (run->d->options != NULL) document = bx_decode_document(run->d, p);
    run->d->options = outer;
    return document;
}

/* ---- arrays ---- */

/* The value of the array item at *at, which is moved behind it. */
BX_INLINE PyObject *read_item(bx_run *run, const bx_node *node, const uint8_t **at,
                              const bx_place *around)
{
    bx_place place = {*at, around->end, around->name};

    if (BX_UNLIKELY(!bx_skip_item_name(run->d, at, place.end, place.name))) return NULL;
    return bx_read_node(run, node, *place.element, at, &place);
}

static BX_COLD void *wrong_length(bx_run *run, const uint8_t *p, PyObject *label,
                                  const char *more, Py_ssize_t length)
{
    return bx_misfit(run, p, "expected %U, got an array of length %s%zd", label, more, length);
}

/* Push the items of the array at *at: of `node`, or by position of `nodes`. -1 with an exception,
 * with nothing pushed. */
static int push_items(bx_run *run, const bx_node *node, const bx_node *const *nodes, int count,
                      PyObject *label, const uint8_t **at, const bx_place *place)
{
    const uint8_t *start = *at, *p, *last;
    bx_place inside = {NULL, NULL, place->name};
    size_t base = run->top;

    if (bx_run_enter(run, BX_ARRAY, at, place->end, &p, &last) < 0) return -1;
    inside.end = last;
    while (p < last) {
        Py_ssize_t index = (Py_ssize_t)(run->top - base);
        PyObject *value;

        if (nodes != NULL && index == count) {
            /* The element itself is looked at first, as everywhere. */
            if (!bx_is_known_type(*p)) {
                bx_bad_type(run->d, p, place->name);
            } else if (bx_skip_item_name(run->d, &p, last, place->name)) {
                wrong_length(run, start, label, "over ", index);
            }
            goto error;
        }
        value = read_item(run, nodes != NULL ? nodes[index] : node, &p, &inside);
        if (BX_UNLIKELY(value == NULL)) {
            bx_misfit_in_item(run, index);
            goto error;
        }
        if (BX_UNLIKELY(bx_push(run, value) < 0)) goto error;
    }
    bx_run_leave(run);
    return 0;

error:
    bx_run_leave(run);
    bx_drop(run, base);
    return -1;
}

/* The values above `base` as a list or tuple; they leave the stack. */
static PyObject *pop_list(bx_run *run, size_t base)
{
    Py_ssize_t n = (Py_ssize_t)(run->top - base);
    PyObject *list = PyList_New(n);

    if (list == NULL) {
        bx_drop(run, base);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) PyList_SET_ITEM(list, i, run->stack[base + (size_t)i]);
    run->top = base;
    return list;
}

static PyObject *pop_tuple(bx_run *run, size_t base)
{
    Py_ssize_t n = (Py_ssize_t)(run->top - base);
    PyObject *tuple = PyTuple_New(n);

    if (tuple == NULL) {
        bx_drop(run, base);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) PyTuple_SET_ITEM(tuple, i, run->stack[base + (size_t)i]);
    run->top = base;
    return tuple;
}

static PyObject *read_array(bx_run *run, const bx_node *node, const uint8_t **at,
                            const bx_place *place)
{
    const uint8_t *p = *at;
    size_t base = run->top;
    PyObject *items, *set;

    if (push_items(run, node->item, NULL, 0, NULL, at, place) < 0) return NULL;
    if (node->kind == BX_K_LIST) return pop_list(run, base);
    items = pop_tuple(run, base);
    if (node->kind == BX_K_TUPLE || items == NULL) return items;
    set = node->kind == BX_K_SET ? PySet_New(items) : PyFrozenSet_New(items);
    Py_DECREF(items);
    return set != NULL ? set : bx_wrap_user_error(run, p);
}

static PyObject *read_fixed(bx_run *run, const bx_node *node, const uint8_t **at,
                            const bx_place *place)
{
    const uint8_t *p = *at;
    size_t base = run->top;
    Py_ssize_t n;

    if (push_items(run, NULL, node->items, node->count, node->label, at, place) < 0) return NULL;
    n = (Py_ssize_t)(run->top - base);
    if (n == node->count) return pop_tuple(run, base);
    bx_drop(run, base);
    return wrong_length(run, p, node->label, "", n);
}

int bx_push_positions(bx_run *run, const bx_node *const *nodes, int count, PyObject *label,
                      const uint8_t **at, const bx_place *place)
{
    return push_items(run, NULL, nodes, count, label, at, place);
}

/* ---- mappings ---- */

static int read_entry(bx_run *run, const bx_node *node, PyObject *dict, const uint8_t **at,
                      const uint8_t *last)
{
    bx_place place = {*at, last, NULL};
    PyObject *key, *value;
    int status;

    *at += 1;
    key = bx_decode_key(run->d, at, last, run->d->options->errors);
    if (key == NULL) return -1;
    place.name = key;
    value = bx_read_node(run, node->item, *place.element, at, &place);
    if (BX_UNLIKELY(value == NULL)) {
        bx_misfit_in_field(run, key);
        Py_DECREF(key);
        return -1;
    }
    status = PyDict_SetItem(dict, key, value);
    Py_DECREF(key);
    Py_DECREF(value);
    return status;
}

static PyObject *read_dict(bx_run *run, const bx_node *node, const uint8_t **at,
                           const bx_place *place)
{
    const uint8_t *p, *last;
    PyObject *dict;

    if (bx_run_enter(run, BX_DOCUMENT, at, place->end, &p, &last) < 0) return NULL;
    dict = PyDict_New();
    while (dict != NULL && p < last) {
        if (BX_UNLIKELY(read_entry(run, node, dict, &p, last) < 0)) Py_CLEAR(dict);
    }
    bx_run_leave(run);
    return dict;
}

/* ---- choices ---- */

PyObject *bx_read_tag(bx_run *run, uint8_t type, const uint8_t **at, const bx_place *place)
{
    static const bx_node number = {.kind = BX_K_INT};

    if (type == BX_STRING || type == BX_SYMBOL) return read_stored(run, type, at, place);
    if (type == BX_INT32 || type == BX_INT64) return read_int(run, &number, type, at, place);
    return bx_skip_value(run, type, at, place) < 0 ? NULL : Py_NewRef(Py_None);
}

/* The first element named as the tag in the document at `p`: 1 found, 0 not, -1 error. */
static int find_tag(bx_run *run, const bx_node *node, const uint8_t *p, const bx_place *around,
                    bx_element *out)
{
    const uint8_t *after = p, *last;

    if (bx_run_enter(run, BX_DOCUMENT, &after, around->end, &p, &last) < 0) return -1;
    bx_run_leave(run);
    while (p < last) {
        bx_skip_status status = bx_skip(p, last, out);

        if (status == BX_SKIP_NAME) {
            bx_bad(run->d, p + 1, "field name too large");
            return -1;
        }
        if (status == BX_SKIP_TYPE) {
            bx_bad_type_at(run->d, p, out->value);
            return -1;
        }
        if (out->value - out->name == node->key_size + 1 &&
            memcmp(out->name, node->key_text, (size_t)node->key_size) == 0) {
            return 1;
        }
        if (status == BX_SKIP_VALUE) {
            bx_bad_element(run->d, out->value);
            return -1;
        }
        p = out->next;
    }
    return 0;
}

/* `tag` is None for what cannot be one: the message then has the value, if it is short. */
static BX_COLD void *unknown_tag(bx_run *run, const bx_node *node, const bx_place *place,
                                 const uint8_t *p, PyObject *tag)
{
    uint8_t type = *place->element;
    const uint8_t *value = p;

    if (tag != Py_None) {
        bx_misfit(run, p, "expected %U: unknown tag %R", node->label, tag);
    } else if (type == BX_DOUBLE || type == BX_BOOL) {
        PyObject *shown = read_stored(run, type, &value, place);

        if (shown == NULL) return NULL;
        bx_misfit(run, p, "expected %U: unknown tag %R", node->label, shown);
        Py_DECREF(shown);
    } else {
        bx_misfit(run, p, "expected %U: unknown tag of type %s", node->label, bx_type_name(type));
    }
    return bx_misfit_in_field(run, node->key);
}

static PyObject *read_tagged(bx_run *run, const bx_node *node, const uint8_t **at,
                             const bx_place *place)
{
    bx_place of_tag = {NULL, NULL, node->key};
    bx_element found;
    const uint8_t *p, *start = *at;
    PyObject *tag, *position;
    int status = find_tag(run, node, *at, place, &found);

    if (status < 0) return NULL;
    if (status == 0) {
        return bx_misfit(run, start, "expected %U: no field %R", node->label, node->key);
    }
    of_tag.element = found.element;
    of_tag.end = start + (int32_t)bx_load32(start) - 1;
    p = found.value;
    tag = bx_read_tag(run, *found.element, &p, &of_tag);
    if (tag == NULL) return NULL;
    position = PyDict_GetItemWithError(node->values, tag);
    if (position == NULL) {
        if (!PyErr_Occurred()) unknown_tag(run, node, &of_tag, found.value, tag);
        Py_DECREF(tag);
        return NULL;
    }
    Py_DECREF(tag);
    return bx_read_node(run, node->items[PyLong_AsLong(position)], BX_DOCUMENT, at, place);
}

/* Try alternatives in their order. */
static PyObject *read_first_fitting(bx_run *run, const bx_node *node, const bx_choice *choice,
                                    uint8_t type, const uint8_t **at, const bx_place *place)
{
    const uint8_t *start = *at;
    int depth = run->d->guard.depth;
    PyObject *cause = NULL;

    for (int i = 0; i < choice->count; i++) {
        PyObject *value = bx_read_node(run, choice->nodes[i], type, at, place);

        if (value != NULL || !bx_is_misfit(run)) {
            Py_XDECREF(cause);
            return value;
        }
        Py_XSETREF(cause, bx_take_exception());
        *at = start;
        bx_leave_to(&run->d->guard, depth);
        if (bx_pay_retry(run, type, start) < 0) {
            Py_XDECREF(cause);
            return NULL;
        }
    }
    bx_misfit(run, start, "fits no alternative of %U", node->label);
    if (bx_is_misfit(run)) {
        PyObject *error = bx_take_exception();

        PyException_SetCause(error, cause); /* takes the reference */
        bx_raise_exception(error);
    } else {
        Py_XDECREF(cause);
    }
    return NULL;
}

static PyObject *read_union(bx_run *run, const bx_node *node, uint8_t type, const uint8_t **at,
                            const bx_place *place)
{
    const bx_choice *choice = &node->choices[bx_type_slot(type)];

    if (BX_LIKELY(choice->count == 1)) {
        return bx_read_node(run, choice->nodes[0], type, at, place);
    }
    if (choice->count > 1) return read_first_fitting(run, node, choice, type, at, place);
    if (node->item != NULL) return bx_read_node(run, node->item, type, at, place);
    return wrong_type(run, node, type, *at, place);
}

static PyObject *read_lookup(bx_run *run, const bx_node *node, uint8_t type, const uint8_t **at,
                             const bx_place *place)
{
    const uint8_t *p = *at;
    PyObject *value = bx_read_node(run, node->item, type, at, place);
    PyObject *found;

    if (value == NULL) return NULL;
    found = Py_XNewRef(PyDict_GetItemWithError(node->values, value));
    if (found == NULL && !PyErr_Occurred()) {
        if (node->call != NULL) {
            found = PyObject_CallOneArg(node->call, value);
            if (found == NULL) bx_wrap_user_error(run, p);
        } else {
            bx_misfit(run, p, "expected %U, got %R", node->label, value);
        }
    }
    Py_DECREF(value);
    return found;
}

static PyObject *read_call(bx_run *run, const bx_node *node, uint8_t type, const uint8_t **at,
                           const bx_place *place)
{
    const uint8_t *p = *at;
    PyObject *value = bx_read_node(run, node->item, type, at, place);
    PyObject *result;

    if (value == NULL) return NULL;
    result = PyObject_CallOneArg(node->call, value);
    Py_DECREF(value);
    return result != NULL ? result : bx_wrap_user_error(run, p);
}

/* ---- nodes ---- */

PyObject *bx_read_node(bx_run *run, const bx_node *node, uint8_t type, const uint8_t **at,
                       const bx_place *place)
{
    if (BX_UNLIKELY(!(node->accepts >> bx_type_slot(type) & 1))) {
        return wrong_type(run, node, type, *at, place);
    }
    switch (node->kind) {
    case BX_K_ANY:
        return read_any(run, type, at, place);
    case BX_K_NONE:
        return Py_NewRef(Py_None);
    case BX_K_STR:
        return bx_decode_string(run->d, at, place->end);
    case BX_K_BOOL:
    case BX_K_OBJECTID:
        return read_stored(run, type, at, place);
    case BX_K_FLOAT:
        if (type == BX_DOUBLE) return read_stored(run, type, at, place);
        return read_int(run, node, type, at, place);
    case BX_K_INT:
    case BX_K_INT64:
        return read_int(run, node, type, at, place);
    case BX_K_BYTES:
    case BX_K_BINARY:
    case BX_K_UUID:
        return read_binary(run, node, at, place);
    case BX_K_DATETIME:
        return read_datetime(run, at, place);
    case BX_K_DATETIME_MS:
        return read_datetime_ms(run, at, place);
    case BX_K_INSTANCE:
        return read_instance(run, node, type, at, place);
    case BX_K_DOCUMENT:
        return read_document(run, node, at, place);
    case BX_K_LIST:
    case BX_K_TUPLE:
    case BX_K_SET:
    case BX_K_FROZENSET:
        return read_array(run, node, at, place);
    case BX_K_FIXED:
        return read_fixed(run, node, at, place);
    case BX_K_DICT:
        return read_dict(run, node, at, place);
    case BX_K_MODEL:
        return bx_read_model(run, node, type, at, place);
    case BX_K_TAGGED:
        return read_tagged(run, node, at, place);
    case BX_K_UNION:
        return read_union(run, node, type, at, place);
    case BX_K_LOOKUP:
        return read_lookup(run, node, type, at, place);
    case BX_K_CALL:
        return read_call(run, node, type, at, place);
    case BX_K_COUNT:
        break;
    }
    Py_UNREACHABLE();
}

/* ---- whole documents ---- */

static PyObject *run_plan(bx_decoder *d, bx_typed *typed, const uint8_t *p)
{
    Py_ssize_t size = (int32_t)bx_load32(p);
    bx_run run = {d, typed, NULL, 0, 0, RETRY_FACTOR * (int64_t)size + RETRY_FLOOR};
    bx_place place = {p, p + size, d->st->s_empty};
    PyObject *value;
    int depth = d->guard.depth;

    value = bx_read_node(&run, d->options->plan->top, BX_DOCUMENT, &p, &place);
    bx_drop(&run, 0);
    PyMem_Free(run.stack);
    bx_leave_to(&d->guard, depth);
    return value;
}

PyObject *bx_decode_typed(bx_decoder *d, const uint8_t *p)
{
    bx_typed *typed = bx_typed_get(d->st);
    PyObject *value;
    int depth = d->guard.depth;

    if (typed == NULL) return NULL;
    d->guard.depth = 0; /* the levels of a reply around it do not count */
    value = run_plan(d, typed, p);
    d->guard.depth = depth;
    return value;
}

/* The items of an array in a reply: its documents are the user's. */
static PyObject *decode_user_array(bx_decoder *d, const uint8_t *p, const uint8_t *last,
                                   PyObject *name)
{
    size_t base = d->pile.top;

    while (p < last) {
        const uint8_t *element = p;
        PyObject *value = NULL;

        if (!bx_is_known_type(*element)) {
            bx_bad_type(d, element, name);
        } else if (bx_skip_item_name(d, &p, last, name)) {
            value = *element == BX_DOCUMENT
                        ? bx_decode_user_value(d, BX_DOCUMENT, &p, last, name, element)
                        : bx_decode_value(d, *element, &p, last, name, element);
        }
        if (value == NULL || bx_pile_push(&d->pile, value) < 0) {
            bx_pile_drop(&d->pile, base);
            return NULL;
        }
    }
    return bx_pile_list(&d->pile, base);
}

PyObject *bx_decode_user_value(bx_decoder *d, uint8_t type, const uint8_t **at,
                               const uint8_t *end, PyObject *name, const uint8_t *element)
{
    const uint8_t *p, *last;

    if (d->options->plan == NULL || (type != BX_DOCUMENT && type != BX_ARRAY)) {
        return bx_decode_value(d, type, at, end, name, element);
    }
    p = bx_take_document(at, end, &last);
    if (p == NULL) return bx_bad_element(d, *at);
    return type == BX_DOCUMENT ? bx_decode_typed(d, p) : decode_user_array(d, p + 4, last, name);
}
