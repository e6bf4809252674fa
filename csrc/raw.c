/* Reading raw documents: one level, or one field. */
#include "decode.h"
#include "skip.h"

/* Check that [start, end) lies in the input and looks like a document. */
static int check_bounds(bx_decoder *d, Py_ssize_t start, Py_ssize_t end)
{
    Py_ssize_t size;

    if (start < 0 || end < start || end > d->limit - d->base) {
        PyErr_SetString(PyExc_ValueError, "the document is outside the data");
        return -1;
    }
    size = bx_check_document(d, d->base + start, d->base + end);
    if (size < 0) return -1;
    if (size != end - start) {
        bx_invalid_bson(d->st, start + size, "bad eoo");
        return -1;
    }
    return 0;
}

PyObject *bx_raw_elements(bx_state *st, PyObject *data, Py_ssize_t start, Py_ssize_t end,
                          PyObject *codec_options)
{
    bx_options *options = bx_options_get(st, codec_options);
    PyObject *result = NULL;
    bx_input input;
    bx_decoder d;

    if (options == NULL) return NULL;
    if (bx_input_open(&input, data) == 0) {
        bx_decoder_init(&d, st, options, &input);
        d.depth = 1;
        if (check_bounds(&d, start, end) == 0) {
            result = bx_decode_dict(&d, d.base + start + 4, d.base + end - 1, false);
        }
        bx_decoder_end(&d);
        bx_input_close(&input);
    }
    Py_DECREF(options);
    return result;
}

/* InvalidBSON for an element that cannot be stepped over. Always -1. */
static BX_COLD int bad_skip(bx_decoder *d, const bx_element *e, bx_skip_status status)
{
    PyObject *name;

    if (status == BX_SKIP_NAME) {
        bx_invalid_bson(d->st, e->name - d->base, "field name too large");
    } else if (status == BX_SKIP_VALUE) {
        bx_bad_element(d, e->value);
    } else {
        name = PyUnicode_DecodeUTF8((const char *)e->name, e->value - 1 - e->name, "replace");
        if (name != NULL) bx_bad_type(d, e->element, name);
        Py_XDECREF(name);
    }
    return -1;
}

/* Find the last element with a name in [p, end): 1 found, 0 not, -1 InvalidBSON. */
static int find_field(bx_decoder *d, const uint8_t *p, const uint8_t *end, const char *name,
                      Py_ssize_t size, bx_element *found)
{
    int result = 0;

    while (p < end) {
        bx_element e;
        bx_skip_status status = bx_skip(p, end, &e);

        if (BX_UNLIKELY(status != BX_SKIP_OK)) return bad_skip(d, &e, status);
        if (e.value - 1 - e.name == size && memcmp(e.name, name, (size_t)size) == 0) {
            *found = e;
            result = 1;
        }
        p = e.next;
    }
    return result;
}

/* With an error handler different stored names may read alike: all fields are read. */
static PyObject *get_decoded(bx_decoder *d, Py_ssize_t start, Py_ssize_t end, PyObject *name)
{
    PyObject *fields =
        bx_decode_dict(d, d->base + start + 4, d->base + end - 1, false);
    PyObject *value;

    if (fields == NULL) return NULL;
    value = PyObject_GetItem(fields, name);
    Py_DECREF(fields);
    return value;
}

static PyObject *get_field(bx_decoder *d, Py_ssize_t start, Py_ssize_t end, PyObject *name)
{
    PyObject *stored;
    bx_element e;
    int found;

    if (check_bounds(d, start, end) < 0) return NULL;
    if (d->options->errors != NULL) return get_decoded(d, start, end, name);
    stored = PyUnicode_AsEncodedString(name, "utf-8", "surrogatepass");
    if (stored == NULL) return NULL;
    found = find_field(d, d->base + start + 4, d->base + end - 1, PyBytes_AS_STRING(stored),
                       PyBytes_GET_SIZE(stored), &e);
    Py_DECREF(stored);
    if (found < 0) return NULL;
    if (found == 0) {
        PyErr_SetObject(PyExc_KeyError, name);
        return NULL;
    }
    return bx_decode_value(d, *e.element, &e.value, e.next, name, e.element);
}

PyObject *bx_raw_get(bx_state *st, PyObject *data, Py_ssize_t start, Py_ssize_t end,
                     PyObject *name, PyObject *codec_options)
{
    bx_options *options = bx_options_get(st, codec_options);
    PyObject *result = NULL;
    bx_input input;
    bx_decoder d;

    if (options == NULL) return NULL;
    if (!PyUnicode_Check(name)) {
        PyErr_SetObject(PyExc_KeyError, name);
    } else if (bx_input_open(&input, data) == 0) {
        bx_decoder_init(&d, st, options, &input);
        d.depth = 1;
        result = get_field(&d, start, end, name);
        bx_decoder_end(&d);
        bx_input_close(&input);
    }
    Py_DECREF(options);
    return result;
}
