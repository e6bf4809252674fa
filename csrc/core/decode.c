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
    bx_guard_init(&d->guard);
}

void bx_decoder_end(bx_decoder *d)
{
    bx_leave_to(&d->guard, 0);
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

/* A field name that could not be read: a pending UnicodeDecodeError, or no NUL. */
static BX_COLD void *bad_name(bx_decoder *d, const uint8_t *name)
{
    if (PyErr_Occurred()) return bx_wrap_error(d, name);
    return bx_bad(d, name, "field name too large");
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
        key = bx_read_key(d->keys, &p, end, d->limit, d->options->errors);
        if (key == NULL) {
            bad_name(d, element + 1);
            goto error;
        }
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
    const uint8_t *p = *at;
    const uint8_t *first, *last;

    switch (type) {
    case BX_STRING:
        return bx_decode_string(d, at, end);
    case BX_INT32:
        if (BX_UNLIKELY(end - p < 4)) break;
        *at = p + 4;
        return PyLong_FromLong((int32_t)bx_load32(p));
    case BX_DOUBLE:
        if (BX_UNLIKELY(end - p < 8)) break;
        *at = p + 8;
        return PyFloat_FromDouble(bx_load_double(p));
    case BX_BOOL:
        if (BX_UNLIKELY(end - p < 1)) break;
        *at = p + 1;
        if (BX_UNLIKELY(*p > 1)) {
            return bx_bad(d, p, "invalid boolean value: %d", *p);
        }
        return Py_NewRef(*p ? Py_True : Py_False);
    case BX_NULL:
        return Py_NewRef(Py_None);
    case BX_DOCUMENT:
        if (BX_UNLIKELY(!bx_embedded_bounds(at, end, &first, &last))) break;
        return decode_embedded(d, first, last, true);
    case BX_ARRAY:
        if (BX_UNLIKELY(!bx_embedded_bounds(at, end, &first, &last))) break;
        return decode_array(d, first, last, name);
    case BX_OBJECTID:
        if (BX_UNLIKELY(end - p < 12)) break;
        *at = p + 12;
        return bx_objectid_new(d->st, p);
    case BX_INT64:
        if (BX_UNLIKELY(end - p < 8)) break;
        *at = p + 8;
        return bx_int64_new(d->st, (int64_t)bx_load64(p));
    case BX_DATETIME: {
        PyObject *value;

        if (BX_UNLIKELY(end - p < 8)) break;
        *at = p + 8;
        value = bx_datetime_from_millis(d->st, d->options, (int64_t)bx_load64(p));
        if (BX_UNLIKELY(value == NULL)) return bx_wrap_error(d, p);
        return value;
    }
    default:
        return bx_decode_rare(d, type, at, end, name, element);
    }
    return bx_bad_element(d, p);
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

#define WIDE_SIZE 4096
#define WIDE_SAMPLE 64
#define WIDE_MOST (1 << 17)

/* A dict for the elements in [p, end). One with many fields gets its size at once, which spares the
 * rehashing: as many as there will be if all are like the first. The guess is bounded, because the
 * input may mislead it. */
static PyObject *new_dict(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *sample = p;
    Py_ssize_t fields;
    bx_element e;

    if (BX_LIKELY(end - p < WIDE_SIZE)) return PyDict_New();
    for (int i = 0; i < WIDE_SAMPLE; i++) {
        if (sample >= end || bx_skip(sample, end, &e) != BX_SKIP_OK) return PyDict_New();
        sample = e.next;
    }
    fields = (end - p) / (sample - p) * WIDE_SAMPLE;
    fields += fields / 8; /* a guess too small costs what was to be spared */
    return bx_dict_new(fields < WIDE_MOST ? fields : WIDE_MOST);
}

PyObject *bx_decode_dict(bx_decoder *d, const uint8_t *p, const uint8_t *end, bool nested)
{
    PyObject *dict = new_dict(p, end);
    const char *errors = d->options->errors;
    bool has_decoders = d->options->decoders != NULL;
    bool dollar = false;

    if (dict == NULL) return NULL;
    while (p < end) {
        const uint8_t *element = p++;
        PyObject *key, *value;
        int status;

        dollar |= *p == '$';
        key = bx_read_key(d->keys, &p, end, d->limit, errors);
        if (BX_UNLIKELY(key == NULL)) {
            bad_name(d, element + 1);
            goto error;
        }
        value = decode_value(d, *element, &p, end, key, element);
        if (BX_UNLIKELY(has_decoders) && value != NULL) value = bx_apply_decoder(d, value);
        if (BX_UNLIKELY(value == NULL)) {
            Py_DECREF(key);
            goto error;
        }
        status = PyDict_SetItem(dict, key, value);
        Py_DECREF(key);
        Py_DECREF(value);
        if (BX_UNLIKELY(status < 0)) goto error;
    }
    return BX_UNLIKELY(dollar) && nested ? bx_maybe_dbref(d, dict) : dict;

error:
    Py_DECREF(dict);
    return NULL;
}

/* ---- arrays ---- */

/* Types of the specification; the others are unknown. */
static bool is_known_type(uint8_t type)
{
    return (type >= BX_DOUBLE && type <= BX_DECIMAL128) || type == BX_MINKEY || type == BX_MAXKEY;
}

/* The element at *at of an array: its keys are skipped unread. */
BX_INLINE PyObject *decode_item(bx_decoder *d, const uint8_t **at, const uint8_t *end,
                                PyObject *name)
{
    const uint8_t *element = *at;
    const uint8_t *p = element + 1;
    PyObject *value;

    while (p < end && *p != 0) p++;
    if (BX_UNLIKELY(p >= end)) {
        return is_known_type(*element) ? bx_bad_element(d, element + 1)
                                       : bx_bad_type(d, element, name);
    }
    *at = p + 1;
    value = decode_value(d, *element, at, end, name, element);
    if (BX_UNLIKELY(d->options->decoders != NULL) && value != NULL) {
        value = bx_apply_decoder(d, value);
    }
    return value;
}

#define FIRST_ITEMS 16

/* A list of items that are handed over. */
static PyObject *list_of(PyObject *const *items, Py_ssize_t n)
{
    PyObject *list = PyList_New(n);

    for (Py_ssize_t i = 0; i < n; i++) {
        if (list != NULL) {
            PyList_SET_ITEM(list, i, items[i]);
        } else {
            Py_DECREF(items[i]);
        }
    }
    return list;
}

/* Most arrays are short: the first items wait on the stack, so that the list is made in its size. */
static PyObject *decode_items(bx_decoder *d, const uint8_t *p, const uint8_t *end,
                              PyObject *name)
{
    PyObject *first[FIRST_ITEMS];
    PyObject *list, *value;
    Py_ssize_t n = 0;

    while (p < end && n < FIRST_ITEMS) {
        value = decode_item(d, &p, end, name);
        if (BX_UNLIKELY(value == NULL)) {
            while (n > 0) Py_DECREF(first[--n]);
            return NULL;
        }
        first[n++] = value;
    }
    list = list_of(first, n);
    while (list != NULL && p < end) {
        value = decode_item(d, &p, end, name);
        if (BX_UNLIKELY(value == NULL || PyList_Append(list, value) < 0)) Py_CLEAR(list);
        Py_XDECREF(value);
    }
    return list;
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

static PyObject *decode_many(bx_decoder *d)
{
    PyObject *list = PyList_New(0);
    const uint8_t *p = d->base;

    while (list != NULL && p < d->limit) {
        Py_ssize_t size = bx_check_document(d, p, d->limit);
        PyObject *document = size < 0 ? NULL : bx_decode_document(d, p);

        if (document == NULL || PyList_Append(list, document) < 0) Py_CLEAR(list);
        Py_XDECREF(document);
        if (size > 0) p += size;
    }
    return list;
}

/* ---- the input ---- */

/* Raw documents over a buffer that may change share a copy of it. */
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
    return input->owner == NULL && shared ? copy_input(input) : 0;
}

void bx_input_close(bx_input *input)
{
    if (input->has_view) PyBuffer_Release(&input->view);
    Py_XDECREF(input->copy);
}

/* Run `decode` over the bytes of `data` with the collector paused. */
static PyObject *decode_buffer(bx_state *st, PyObject *data, PyObject *codec_options,
                               PyObject *(*decode)(bx_decoder *))
{
    bx_options *options = bx_options_hold(st, codec_options);
    PyObject *result = NULL;
    bx_input input;
    bx_decoder d;
    int paused;

    if (options == NULL) return NULL;
    if (BX_LIKELY(bx_input_open(&input, data, options) == 0)) {
        paused = bx_gc_pause();
        bx_decoder_init(&d, st, options, &input);
        result = decode(&d);
        bx_decoder_end(&d);
        bx_gc_resume(paused);
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
