/* Documents, arrays and the values that occur most. */
#include "core/decode_inline.h"

#include "core/datetime_bson.h"
#include "typed/typed.h"
#include "raw/raw_document.h"
#include "core/skip.h"
#include "types/types.h"

void bx_decoder_init(bx_decoder *d, bx_state *st, const bx_options *options,
                     const bx_input *input)
{
    d->st = st;
    d->options = options;
    d->keys = bx_keys_acquire(st);
    d->base = input->data;
    d->origin = input->origin;
    d->limit = input->data + input->size;
    d->owner = input->owner;
    d->pile.items = d->pile.first;
    d->pile.top = 0;
    d->pile.room = BX_PILE_FIRST;
    d->pile.shapes = st->dict_layout_known && d->keys != NULL ? &d->keys->shapes : NULL;
    bx_guard_init(&d->guard);
}

void bx_decoder_end(bx_decoder *d)
{
    bx_leave_to(&d->guard, 0);
    if (BX_UNLIKELY(d->pile.items != d->pile.first)) PyMem_Free(d->pile.items);
    bx_keys_release(d->keys);
}

/* ---- errors ---- */

void *bx_bad(bx_decoder *d, const uint8_t *at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    bx_invalid_bson_v(d->st, bx_offset(d, at), format, args);
    va_end(args);
    return NULL;
}

void *bx_bad_element(bx_decoder *d, const uint8_t *at)
{
    return bx_bad(d, at, "invalid length or type code");
}

void *bx_bad_type(bx_decoder *d, const uint8_t *element, PyObject *name)
{
    PyObject *type = PyBytes_FromStringAndSize((const char *)element, 1);

    if (type == NULL) return NULL;
    bx_bad(d, element, "Detected unknown BSON type %R for fieldname '%U'. Are you using the latest "
                    "driver version?",
                    type, name);
    Py_DECREF(type);
    return NULL;
}

void *bx_wrap_error(bx_decoder *d, const uint8_t *at)
{
    return bx_wrap_invalid_bson(d->st, bx_offset(d, at));
}

void *bx_too_deep(bx_decoder *d, const uint8_t *p, const char *what)
{
    return bx_bad(d, p, "maximum recursion depth exceeded while decoding a %s", what);
}

void *bx_bad_key(bx_decoder *d, const uint8_t *key)
{
    if (PyErr_Occurred()) return bx_wrap_error(d, key);
    return bx_bad(d, key, "field name too large");
}

void *bx_bad_item(bx_decoder *d, const uint8_t *element, PyObject *name)
{
    if (!bx_is_known_type(*element)) return bx_bad_type(d, element, name);
    return bx_bad_element(d, element + 1);
}

/* ---- values that wait ---- */

int bx_pile_grow(bx_pile *pile)
{
    size_t room = 4 * pile->room;
    PyObject **items = pile->items == pile->first ? NULL : pile->items;

    items = PyMem_Realloc(items, room * sizeof *items);
    if (items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (pile->items == pile->first) memcpy(items, pile->first, sizeof pile->first);
    pile->items = items;
    pile->room = room;
    return 0;
}

void bx_pile_drop(bx_pile *pile, size_t base)
{
    while (pile->top > base) Py_DECREF(pile->items[--pile->top]);
}

PyObject *bx_pile_dict(bx_pile *pile, size_t base)
{
    PyObject *const *pairs = pile->items + base;
    Py_ssize_t n = (Py_ssize_t)(pile->top - base) / 2;
    PyObject *dict;

    dict = BX_LIKELY(pile->shapes != NULL) ? bx_shape_dict(pile->shapes, pairs, n)
                                           : bx_dict_taking_pairs(pairs, n);
    if (BX_UNLIKELY(dict == NULL)) bx_pile_drop(pile, base);
    pile->top = base; /* the dict has what was above */
    return dict;
}

PyObject *bx_pile_list(bx_pile *pile, size_t base)
{
    Py_ssize_t n = (Py_ssize_t)(pile->top - base);
    PyObject *list = PyList_New(n);

    if (list == NULL) {
        bx_pile_drop(pile, base);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyList_SET_ITEM(list, i, pile->items[base + (size_t)i]);
    }
    pile->top = base;
    return list;
}

/* ---- containers ---- */

static PyObject *decode_array(bx_decoder *d, const uint8_t *p, const uint8_t *end,
                              PyObject *name);

/* A raw document whose class knows no shared input: it gets a copy of its bytes. */
static PyObject *decode_raw_copy(bx_decoder *d, const uint8_t *p, const uint8_t *end)
{
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)p, end - p);
    PyObject *document;

    if (bytes == NULL) return NULL;
    document = PyObject_CallFunctionObjArgs(d->options->document_class, bytes,
                                            d->options->codec_options, NULL);
    Py_DECREF(bytes);
    return document;
}

/* A raw document over the shared input whose class has its own _over. */
static PyObject *decode_raw_shared(bx_decoder *d, const uint8_t *p, const uint8_t *end)
{
    PyObject *data = Py_NewRef(d->owner), *document;
    Py_ssize_t start = d->base - (const uint8_t *)PyBytes_AS_STRING(data);

    if (start > 0) { /* positions, and the offsets of errors, count from the start of the input */
        Py_SETREF(data, PyMemoryView_FromObject(data));
        if (data == NULL) return NULL;
        Py_SETREF(data, PySequence_GetSlice(data, start, start + (d->limit - d->base)));
        if (data == NULL) return NULL;
    }
    document = PyObject_CallFunction(d->options->raw_over, "OnnO", data, (Py_ssize_t)(p - d->base),
                                     (Py_ssize_t)(end - d->base), d->options->codec_options);
    Py_DECREF(data);
    return document;
}

/* A raw document of the bytes in [p, end): over the shared input if its class can do that. */
static PyObject *decode_raw(bx_decoder *d, const uint8_t *p, const uint8_t *end)
{
    if (d->owner == NULL || d->options->raw_over == NULL) return decode_raw_copy(d, p, end);
    if (BX_LIKELY(d->options->raw_native)) {
        bx_span at = {d->owner, d->base, p, end - p, d->origin};

        return bx_raw_document_new(d->options, &at);
    }
    return decode_raw_shared(d, p, end);
}

/* Elements in [p, end) assigned to a new instance of document_class. */
static PyObject *decode_mapping(bx_decoder *d, const uint8_t *p, const uint8_t *end, bool nested)
{
    PyObject *document = PyObject_CallNoArgs(d->options->document_class);
    bool dollar = false;

    if (document == NULL) return NULL;
    while (p < end) {
        const uint8_t *element = p++;
        PyObject *key, *value;
        int status;

        dollar |= *p == '$';
        key = bx_decode_key(d, &p, end, d->options->errors);
        if (key == NULL) goto error;
        value = bx_decode_value(d, *element, &p, end, key, element);
        if (value == NULL) {
            Py_DECREF(key);
            goto error;
        }
        status = PyObject_SetItem(document, key, value);
        Py_DECREF(key);
        Py_DECREF(value);
        if (status < 0) goto error;
    }
    return dollar && nested ? bx_maybe_dbref(d, document) : document;

error:
    Py_DECREF(document);
    return NULL;
}

/* An embedded document or, with `nested` false, a top-level one; [first - 4, last] are its bytes. */
static PyObject *decode_embedded(bx_decoder *d, const uint8_t *first, const uint8_t *last,
                                 bool nested)
{
    PyObject *document;

    if (BX_UNLIKELY(d->options->document_kind == BX_CLASS_RAW)) {
        return decode_raw(d, first - 4, last + 1);
    }
    if (BX_UNLIKELY(!bx_enter(&d->guard))) {
        return bx_too_deep(d, first - 4, "BSON document");
    }
    document = BX_LIKELY(d->options->document_kind == BX_CLASS_DICT)
                   ? bx_decode_dict(d, first, last, nested)
                   : decode_mapping(d, first, last, nested);
    bx_leave(&d->guard);
    return document;
}

/* ---- values ---- */

BX_INLINE PyObject *decode_value(bx_decoder *d, uint8_t type, const uint8_t **at,
                                 const uint8_t *end, PyObject *name, const uint8_t *element)
{
    const uint8_t *p, *last;

    switch (type) {
    case BX_STRING:
        return bx_decode_string(d, at, end);
    case BX_INT32:
        if ((p = bx_take(at, end, 4)) == NULL) break;
        return PyLong_FromLong((int32_t)bx_load32(p));
    case BX_DOUBLE:
        if ((p = bx_take(at, end, 8)) == NULL) break;
        return PyFloat_FromDouble(bx_load_double(p));
    case BX_BOOL:
        if ((p = bx_take(at, end, 1)) == NULL) break;
        if (BX_UNLIKELY(*p > 1)) return bx_bad(d, p, "invalid boolean value: %d", *p);
        return Py_NewRef(*p ? Py_True : Py_False);
    case BX_NULL:
        return Py_NewRef(Py_None);
    case BX_DOCUMENT:
        if ((p = bx_take_document(at, end, &last)) == NULL) break;
        return decode_embedded(d, p + 4, last, true);
    case BX_ARRAY:
        if ((p = bx_take_document(at, end, &last)) == NULL) break;
        return decode_array(d, p + 4, last, name);
    case BX_OBJECTID:
        if ((p = bx_take(at, end, 12)) == NULL) break;
        return bx_objectid_new(d->st, p);
    case BX_INT64:
        if ((p = bx_take(at, end, 8)) == NULL) break;
        return bx_int64_new(d->st, (int64_t)bx_load64(p));
    case BX_DATETIME: {
        PyObject *value;

        if ((p = bx_take(at, end, 8)) == NULL) break;
        value = bx_datetime_from_millis(d->st, d->options, (int64_t)bx_load64(p));
        return BX_LIKELY(value != NULL) ? value : bx_wrap_error(d, p);
    }
    default:
        return bx_decode_rare(d, type, at, end, name, element);
    }
    return bx_bad_element(d, *at);
}

PyObject *bx_decode_value(bx_decoder *d, uint8_t type, const uint8_t **at, const uint8_t *end,
                          PyObject *name, const uint8_t *element)
{
    PyObject *value = decode_value(d, type, at, end, name, element);

    if (value != NULL && d->options->decoders != NULL) value = bx_apply_decoder(d, value);
    return value;
}

PyObject *bx_decode_stored(bx_decoder *d, uint8_t type, const uint8_t **at, const uint8_t *end,
                           PyObject *name, const uint8_t *element)
{
    return decode_value(d, type, at, end, name, element);
}

/* The field at *at, which is moved behind it: false with an exception. `dollar` is set if the name
 * starts with one. */
BX_INLINE bool decode_field(bx_decoder *d, const uint8_t **at, const uint8_t *end, PyObject **key,
                            PyObject **value, bool *dollar)
{
    const uint8_t *element = *at, *p = element + 1;

    *dollar |= *p == '$';
    *key = bx_decode_key(d, &p, end, d->options->errors);
    if (BX_UNLIKELY(*key == NULL)) return false;
    *value = decode_value(d, *element, &p, end, *key, element);
    if (BX_UNLIKELY(d->options->decoders != NULL) && *value != NULL) {
        *value = bx_apply_decoder(d, *value);
    }
    *at = p;
    if (BX_LIKELY(*value != NULL)) return true;
    Py_DECREF(*key);
    return false;
}

/* The fields in [p, end), all read before their dict is made in its size. */
BX_INLINE PyObject *decode_fields(bx_decoder *d, const uint8_t *p, const uint8_t *end,
                                  bool *dollar)
{
    size_t base = d->pile.top;

    while (p < end) {
        PyObject *key, *value;

        if (BX_UNLIKELY(!decode_field(d, &p, end, &key, &value, dollar) ||
                        bx_pile_push_pair(&d->pile, key, value) < 0)) {
            bx_pile_drop(&d->pile, base);
            return NULL;
        }
    }
    return bx_pile_dict(&d->pile, base);
}

/* The fields in [p, end) as a dict that grows while they are read. */
static BX_NOINLINE PyObject *decode_growing(bx_decoder *d, const uint8_t *p, const uint8_t *end,
                                            bool *dollar)
{
    PyObject *dict = PyDict_New();

    while (dict != NULL && p < end) {
        PyObject *key, *value;
        int status;

        if (BX_UNLIKELY(!decode_field(d, &p, end, &key, &value, dollar))) {
            Py_DECREF(dict);
            return NULL;
        }
        status = PyDict_SetItem(dict, key, value);
        Py_DECREF(key);
        Py_DECREF(value);
        if (BX_UNLIKELY(status < 0)) Py_CLEAR(dict);
    }
    return dict;
}

PyObject *bx_decode_dict(bx_decoder *d, const uint8_t *p, const uint8_t *end, bool nested)
{
    bool dollar = false;
    bool grows = end - p < BX_GROWING_DICT && !bx_shapes_pay(d->pile.shapes);
    PyObject *dict = grows ? decode_growing(d, p, end, &dollar)
                           : decode_fields(d, p, end, &dollar);

    return BX_UNLIKELY(dollar) && nested && dict != NULL ? bx_maybe_dbref(d, dict) : dict;
}

/* ---- arrays ---- */

static PyObject *decode_items(bx_decoder *d, const uint8_t *p, const uint8_t *end,
                              PyObject *name)
{
    bool has_decoders = d->options->decoders != NULL;
    size_t base = d->pile.top;

    while (p < end) {
        const uint8_t *element = p;
        PyObject *value = NULL;

        if (BX_LIKELY(bx_skip_item_name(d, &p, end, name))) {
            value = decode_value(d, *element, &p, end, name, element);
        }
        if (BX_UNLIKELY(has_decoders) && value != NULL) value = bx_apply_decoder(d, value);
        if (BX_UNLIKELY(value == NULL || bx_pile_push(&d->pile, value) < 0)) {
            bx_pile_drop(&d->pile, base);
            return NULL;
        }
    }
    return bx_pile_list(&d->pile, base);
}

static PyObject *decode_array(bx_decoder *d, const uint8_t *p, const uint8_t *end, PyObject *name)
{
    PyObject *list;

    if (BX_UNLIKELY(!bx_enter(&d->guard))) return bx_too_deep(d, p - 4, "list value");
    list = decode_items(d, p, end, name);
    bx_leave(&d->guard);
    return list;
}

/* ---- whole documents ---- */

Py_ssize_t bx_check_document(bx_decoder *d, const uint8_t *p, const uint8_t *end)
{
    int32_t size;

    if (end - p < 5) {
        bx_bad(d, p, "not enough data for a BSON document");
        return -1;
    }
    size = (int32_t)bx_load32(p);
    if (size < 5) {
        bx_bad(d, p, "invalid message size");
        return -1;
    }
    if (size > end - p) {
        bx_bad(d, p, "objsize too large");
        return -1;
    }
    if (p[size - 1] != 0) {
        bx_bad(d, p + size - 1, "bad eoo");
        return -1;
    }
    return size;
}

PyObject *bx_decode_plain_document(bx_decoder *d, const uint8_t *p)
{
    return decode_embedded(d, p + 4, p + (int32_t)bx_load32(p) - 1, false);
}

PyObject *bx_decode_document(bx_decoder *d, const uint8_t *p)
{
    if (BX_UNLIKELY(d->options->plan != NULL)) return bx_decode_typed(d, p);
    return bx_decode_plain_document(d, p);
}

static PyObject *decode_one(bx_decoder *d)
{
    Py_ssize_t size = bx_check_document(d, d->base, d->limit);

    if (size < 0) return NULL;
    if (size != d->limit - d->base) return bx_bad(d, d->base + size, "bad eoo");
    return bx_decode_document(d, d->base);
}

PyObject *bx_decode_documents(bx_decoder *d, const uint8_t *p, const uint8_t *end)
{
    size_t base = d->pile.top;

    while (p < end) {
        Py_ssize_t size = bx_check_document(d, p, end);
        PyObject *document = size < 0 ? NULL : bx_decode_document(d, p);

        if (document == NULL || bx_pile_push(&d->pile, document) < 0) {
            bx_pile_drop(&d->pile, base);
            return NULL;
        }
        p += size;
    }
    return bx_pile_list(&d->pile, base);
}

static PyObject *decode_many(bx_decoder *d)
{
    return bx_decode_documents(d, d->base, d->limit);
}

/* ---- the input ---- */

/* A copy is taken of a buffer that may change if raw documents are to share it and, without the GIL,
 * always: a length must not change between its check and its use. */
static int copy_input(bx_input *input)
{
    input->copy = PyBytes_FromStringAndSize(input->view.buf, input->view.len);
    PyBuffer_Release(&input->view);
    input->has_view = false;
    if (input->copy == NULL) return -1;
    input->owner = input->copy;
    input->data = (const uint8_t *)PyBytes_AS_STRING(input->copy);
    return 0;
}

int bx_input_open(bx_input *input, PyObject *data, const bx_options *options)
{
    bool shared;

    input->copy = NULL;
    input->origin = 0;
    if (BX_LIKELY(PyBytes_CheckExact(data))) {
        input->data = (const uint8_t *)PyBytes_AS_STRING(data);
        input->size = (size_t)PyBytes_GET_SIZE(data);
        input->owner = data;
        input->has_view = false;
        return 0;
    }
    if (PyObject_GetBuffer(data, &input->view, PyBUF_SIMPLE) < 0) return -1;
    input->data = input->view.buf;
    input->size = (size_t)input->view.len;
    input->owner = PyMemoryView_Check(data) && bx_shows_bytes(PyMemoryView_GET_BUFFER(data))
                       ? PyMemoryView_GET_BUFFER(data)->obj
                       : NULL;
    input->has_view = true;
    shared = options->raw_over != NULL || options->plan != NULL; /* a field may be lazy */
    return input->owner == NULL && (shared || BX_FREE_THREADED) ? copy_input(input) : 0;
}

int bx_input_over(bx_input *input, const uint8_t *data, size_t size, const bx_options *options)
{
    input->data = data;
    input->size = size;
    input->origin = 0;
    input->owner = input->copy = NULL;
    input->has_view = false;
    if (options->raw_over == NULL && options->plan == NULL) return 0;
    input->copy = PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)size);
    if (input->copy == NULL) return -1;
    input->owner = input->copy;
    input->data = (const uint8_t *)PyBytes_AS_STRING(input->copy);
    return 0;
}

void bx_input_close(bx_input *input)
{
    if (input->has_view) PyBuffer_Release(&input->view);
    Py_XDECREF(input->copy);
}

/* Run `decode` over the bytes of `data`. */
static PyObject *decode_buffer(bx_state *st, PyObject *data, PyObject *codec_options,
                               PyObject *(*decode)(bx_decoder *))
{
    bx_options *options = bx_options_hold(st, codec_options);
    PyObject *result = NULL;
    bx_input input;
    bx_decoder d;

    if (options == NULL) return NULL;
    if (BX_LIKELY(bx_input_open(&input, data, options) == 0)) {
        bx_decoder_init(&d, st, options, &input);
        result = decode(&d);
        bx_decoder_end(&d);
        bx_input_close(&input);
    }
    bx_options_release(st, options);
    return result;
}

PyObject *bx_decode(bx_state *st, PyObject *data, PyObject *codec_options)
{
    return decode_buffer(st, data, codec_options, decode_one);
}

PyObject *bx_decode_all(bx_state *st, PyObject *data, PyObject *codec_options)
{
    return decode_buffer(st, data, codec_options, decode_many);
}
