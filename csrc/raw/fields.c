/* Reading raw documents: one level, or one field. */
#include "raw/raw_document.h"

#include "core/decode.h"
#include "core/skip.h"

static void open_decoder(bx_decoder *d, bx_state *st, const bx_options *options,
                         const bx_span *at)
{
    const uint8_t *data = (const uint8_t *)PyBytes_AS_STRING(at->owner);
    bx_input input;

    input.data = at->base;
    input.size = (size_t)(data + PyBytes_GET_SIZE(at->owner) - at->base);
    input.owner = at->owner;
    input.origin = at->origin;
    input.has_view = false;
    bx_decoder_init(d, st, options, &input);
    (void)bx_enter(&d->guard); /* its fields are on the level below */
}

/* Check the size and the final NUL: that the span lies in its owner is known. */
static int check_document(bx_decoder *d, const bx_span *at)
{
    Py_ssize_t size = bx_check_document(d, at->start, at->start + at->size);

    if (size < 0) return -1;
    if (size != at->size) {
        bx_bad(d, at->start + size, "bad eoo");
        return -1;
    }
    return 0;
}

static PyObject *decode_fields(bx_decoder *d, const bx_span *at)
{
    return bx_decode_dict(d, at->start + 4, at->start + at->size - 1, false);
}

PyObject *bx_raw_elements(bx_state *st, const bx_options *options, const bx_span *at)
{
    PyObject *result = NULL;
    bx_decoder d;

    open_decoder(&d, st, options, at);
    if (check_document(&d, at) == 0) result = decode_fields(&d, at);
    bx_decoder_end(&d);
    return result;
}

/* InvalidBSON for an element that cannot be stepped over. Always -1. */
static BX_COLD int bad_skip(bx_decoder *d, const bx_element *e, bx_skip_status status)
{
    PyObject *name;

    if (status == BX_SKIP_NAME) {
        bx_bad(d, e->name, "field name too large");
    } else if (status == BX_SKIP_VALUE) {
        bx_bad_element(d, e->value);
    } else {
        name = PyUnicode_DecodeUTF8((const char *)e->name, e->value - 1 - e->name, "replace");
        if (name != NULL) bx_bad_type(d, e->element, name);
        Py_XDECREF(name);
    }
    return -1;
}

/* The NUL behind the name at `p`, or NULL. Bytes up to `limit` may be looked at. */
BX_INLINE const uint8_t *name_end(const uint8_t *p, const uint8_t *limit)
{
#if BX_SSE2
    while (BX_LIKELY(limit - p >= 16)) {
        __m128i v = _mm_loadu_si128((const __m128i *)p);
        unsigned zeros = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_setzero_si128()));

        if (BX_LIKELY(zeros != 0)) return p + bx_ctz64(zeros);
        p += 16;
    }
#else
    while (BX_LIKELY(limit - p >= 8)) {
        uint64_t zeros = bx_zero_byte(bx_load64(p));

        if (zeros != 0) return p + bx_ctz64(zeros) / 8;
        p += 8;
    }
#endif
    return memchr(p, 0, (size_t)(limit - p));
}

/* bx_skip for an element that is sound and of a type whose size is easily told; false for others. */
BX_INLINE bool skip_sound(const uint8_t *p, const uint8_t *end, const uint8_t *limit,
                          bx_element *out)
{
    const bx_layout *layout = &bx_layouts[*p];
    const uint8_t *nul = name_end(p + 1, limit);
    const uint8_t *value;
    uint64_t size;

    if (BX_UNLIKELY(nul == NULL || nul >= end || limit - nul < 5 || !layout->known)) return false;
    value = nul + 1;
    size = layout->extra;
    if (layout->counted) size += bx_load32(value); /* where a branch is guessed, nothing waits */
    if (BX_UNLIKELY(size < layout->least || size > (uint64_t)(end - value))) return false;
    out->element = p;
    out->name = p + 1;
    out->value = value;
    out->next = value + size;
    return true;
}

/* Find the last element with a name in [p, end): 1 found, 0 not, -1 InvalidBSON. */
static int find_field(bx_decoder *d, const uint8_t *p, const uint8_t *end, const char *name,
                      Py_ssize_t size, bx_element *found)
{
    const uint8_t *limit = d->limit;
    int result = 0;

    while (p < end) {
        bx_element e;

        if (BX_UNLIKELY(!skip_sound(p, end, limit, &e))) {
            bx_skip_status status = bx_skip(p, end, &e);

            if (status != BX_SKIP_OK) return bad_skip(d, &e, status);
        }
        if (e.value - 1 - e.name == size && memcmp(e.name, name, (size_t)size) == 0) {
            *found = e;
            result = 1;
        }
        p = e.next;
    }
    return result;
}

/* With an error handler different stored names may read alike: all fields are read. */
static int get_decoded(bx_decoder *d, const bx_span *at, PyObject *name, PyObject **value)
{
    PyObject *fields = decode_fields(d, at);
    int found;

    if (fields == NULL) return -1;
    found = bx_dict_get(fields, name, value);
    Py_DECREF(fields);
    return found;
}

/* A name with lone surrogates: bytes that stand for it are no UTF-8, so if the document has them,
 * reading them raises InvalidBSON. */
static BX_COLD int find_surrogates(bx_decoder *d, const bx_span *at, PyObject *name)
{
    PyObject *stored = PyUnicode_AsEncodedString(name, "utf-8", "surrogatepass");
    bx_element e;
    int found;

    if (stored == NULL) return -1;
    found = find_field(d, at->start + 4, at->start + at->size - 1, PyBytes_AS_STRING(stored),
                       PyBytes_GET_SIZE(stored), &e);
    Py_DECREF(stored);
    if (found > 0) {
        Py_XDECREF(bx_decode_dict(d, e.element, e.next, false));
        found = PyErr_Occurred() ? -1 : 0;
    }
    return found;
}

static int get_field(bx_decoder *d, const bx_span *at, PyObject *name, PyObject **value)
{
    const char *text;
    Py_ssize_t size;
    bx_element e;
    int found;

    if (check_document(d, at) < 0) return -1;
    if (!PyUnicode_Check(name)) return 0;
    if (d->options->errors != NULL) return get_decoded(d, at, name, value);
    text = PyUnicode_AsUTF8AndSize(name, &size);
    if (BX_UNLIKELY(text == NULL)) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return -1;
        PyErr_Clear();
        return find_surrogates(d, at, name);
    }
    found = find_field(d, at->start + 4, at->start + at->size - 1, text, size, &e);
    if (found <= 0) return found;
    *value = bx_decode_value(d, *e.element, &e.value, e.next, name, e.element);
    return *value == NULL ? -1 : 1;
}

int bx_raw_get(bx_state *st, const bx_options *options, const bx_span *at, PyObject *name,
               PyObject **value)
{
    bx_decoder d;
    int found;

    open_decoder(&d, st, options, at);
    found = get_field(&d, at, name, value);
    bx_decoder_end(&d);
    return found;
}
