/* JSON text to Python objects: the grammar of the json module, NaN and Infinity included. */
#include "json/decode.h"

#include "core/decode.h"
#include "core/utf8.h"
#include "core/writer.h"
#include "json/number.h"
#include "json/text.h"
#include "types/types.h"

static PyObject *read_value(bx_json_decoder *d);

/* ---- strings ---- */

PyObject *bx_json_text(const uint8_t *text, size_t size)
{
    return bx_text(text, (Py_ssize_t)size, "surrogatepass");
}

/* A string whose escapes begin at `stop`. */
static BX_NOINLINE PyObject *read_escaped(bx_json_decoder *d, const uint8_t *start,
                                          const uint8_t *stop)
{
    PyObject *text = NULL;
    unsigned high = 0;
    bx_writer w;

    bx_writer_init(&w, NULL);
    for (;;) {
        size_t size = (size_t)(stop - start);
        int32_t c;

        if (bx_writer_reserve(&w, size + 4) < 0) break;
        bx_put_bytes(&w, start, size);
        if (*stop == '"') {
            d->p = stop + 1;
            text = bx_json_text(w.base, bx_writer_size(&w));
            break;
        }
        if (*stop != '\\') break;
        c = bx_read_escape(&stop, d->end);
        if (c < 0) break;
        w.p = bx_utf8_put(w.p, (uint32_t)c);
        start = stop;
        stop = bx_skip_plain(start, d->end, &high);
    }
    bx_writer_abandon(&w);
    return text;
}

PyObject *bx_json_read_string(bx_json_decoder *d)
{
    const uint8_t *start = d->p + 1;
    const uint8_t *stop;
    unsigned high = 0;

    if (BX_UNLIKELY(*d->p != '"')) return NULL;
    stop = bx_skip_plain(start, d->end, &high);
    if (BX_UNLIKELY(*stop != '"')) return read_escaped(d, start, stop);
    d->p = stop + 1;
    return bx_json_text(start, (size_t)(stop - start));
}

/* ---- keys ---- */

static PyObject *short_key(bx_json_decoder *d, const uint8_t *text, size_t size)
{
    uint64_t words[2] = {0, 0};
    PyObject *key;

    memcpy(words, text, size);
    words[0] = bx_load64((const uint8_t *)&words[0]);
    words[1] = bx_load64((const uint8_t *)&words[1]);
    key = bx_key_find(d->keys, words[0], words[1]);
    if (BX_LIKELY(key != NULL)) return key;
    return bx_key_miss(d->keys, text, size, words[0], words[1], NULL);
}

/* The key at d->p, which is moved behind it. Keys with escapes are not shared. */
BX_INLINE PyObject *read_key(bx_json_decoder *d)
{
    const uint8_t *start = d->p + 1;
    const uint8_t *stop;
    unsigned high = 0;
    PyObject *key;
    size_t size;

    if (BX_UNLIKELY(*d->p != '"')) return NULL;
    stop = bx_skip_plain(start, d->end, &high);
    if (BX_UNLIKELY(*stop != '"')) return read_escaped(d, start, stop);
    d->p = stop + 1;
    size = (size_t)(stop - start);
    if (BX_UNLIKELY(d->keys == NULL)) return bx_json_text(start, size);
    key = BX_LIKELY(size < 16) ? short_key(d, start, size)
                               : bx_key_long(d->keys, start, size, NULL);
    if (BX_UNLIKELY(key == NULL) && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
        PyErr_Clear();
        key = bx_json_text(start, size);
    }
    return key;
}

/* ---- numbers ---- */

int bx_double_read_slow(const uint8_t *text, size_t size, double *value)
{
    char buffer[128];
    char *copy = size < sizeof buffer ? buffer : PyMem_Malloc(size + 1);

    if (copy == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(copy, text, size);
    copy[size] = 0;
    *value = PyOS_string_to_double(copy, NULL, NULL);
    if (copy != buffer) PyMem_Free(copy);
    return *value == -1.0 && PyErr_Occurred() ? -1 : 0;
}

BX_INLINE int to_double(const bx_number *n, const uint8_t *text, double *value)
{
    if (BX_LIKELY(bx_number_as_double(n, value))) return 0;
    return bx_double_read_slow(text, (size_t)(n->end - text), value);
}

static BX_NOINLINE PyObject *read_big_int(const uint8_t *text, const uint8_t *end)
{
    PyObject *digits = PyUnicode_FromStringAndSize((const char *)text, end - text);
    PyObject *number;

    if (digits == NULL) return NULL;
    number = PyLong_FromUnicodeObject(digits, 10);
    Py_DECREF(digits);
    return number;
}

static PyObject *read_number(bx_json_decoder *d)
{
    const uint8_t *text = d->p;
    bx_number n;
    int64_t number;
    double value;

    if (BX_UNLIKELY(!bx_scan_number(text, &n))) return NULL;
    d->p = n.end;
    if (!n.is_double) {
        if (BX_UNLIKELY(n.digits > 19 || !bx_with_sign(n.mantissa, n.negative, &number))) {
            return read_big_int(text, n.end);
        }
        return PyLong_FromLongLong(number);
    }
    if (to_double(&n, text, &value) < 0) return NULL;
    if (BX_UNLIKELY(d->strict && bx_is_lost(&n, value))) return NULL;
    return PyFloat_FromDouble(value);
}

int bx_json_span_as_double(bx_json_decoder *d, bx_json_span span, double *value)
{
    bx_number n;

    if (!bx_scan_number(span.text, &n) || n.end != span.text + span.size) return 0;
    if (to_double(&n, span.text, value) < 0) return -1;
    return d->strict && bx_is_lost(&n, *value) ? 0 : 1;
}

/* ---- containers ---- */

static BX_COLD void *too_deep(const char *what)
{
    PyErr_Format(PyExc_RecursionError,
                 "maximum recursion depth exceeded while decoding a JSON %s from a unicode string",
                 what);
    return NULL;
}

static PyObject *read_items(bx_json_decoder *d, PyObject *list)
{
    for (;;) {
        PyObject *value = read_value(d);
        int status;

        if (BX_UNLIKELY(value == NULL)) return NULL;
        status = PyList_Append(list, value);
        Py_DECREF(value);
        if (BX_UNLIKELY(status < 0)) return NULL;
        bx_skip_space(&d->at);
        if (*d->p == ']') {
            d->p++;
            return list;
        }
        if (BX_UNLIKELY(*d->p != ',')) return NULL;
        d->p++;
        bx_skip_space(&d->at);
    }
}

/* Behind the bracket. */
static PyObject *read_array(bx_json_decoder *d)
{
    PyObject *list;

    if (BX_UNLIKELY(!bx_enter(&d->guard))) return too_deep("array");
    bx_skip_space(&d->at);
    list = PyList_New(0);
    if (list == NULL) return NULL;
    if (*d->p == ']') {
        d->p++;
    } else if (BX_UNLIKELY(read_items(d, list) == NULL)) {
        Py_DECREF(list);
        return NULL;
    }
    bx_leave(&d->guard);
    return list;
}

/* A key and the colon behind it. */
BX_INLINE PyObject *read_key_and_colon(bx_json_decoder *d, bool *dollar)
{
    PyObject *key = read_key(d);

    if (BX_UNLIKELY(key == NULL)) return NULL;
    if (PyUnicode_GET_LENGTH(key) > 0 && PyUnicode_READ_CHAR(key, 0) == '$') *dollar = true;
    bx_skip_space(&d->at);
    if (BX_UNLIKELY(*d->p != ':')) {
        Py_DECREF(key);
        return NULL;
    }
    d->p++;
    bx_skip_space(&d->at);
    return key;
}

/* Behind a value: 1 there is another member, 0 the object ends, -1 not JSON. */
BX_INLINE int next_member(bx_json_decoder *d)
{
    bx_skip_space(&d->at);
    if (BX_LIKELY(*d->p == ',')) {
        d->p++;
        bx_skip_space(&d->at);
        return 1;
    }
    if (BX_UNLIKELY(*d->p != '}')) return -1;
    d->p++;
    return 0;
}

static int read_members(bx_json_decoder *d, PyObject *dict, bool *dollar)
{
    Py_ssize_t count = 0;
    int status;

    do {
        PyObject *key = read_key_and_colon(d, dollar);
        PyObject *value;

        if (BX_UNLIKELY(key == NULL)) return -1;
        value = read_value(d);
        status = value == NULL ? -1 : PyDict_SetItem(dict, key, value);
        Py_DECREF(key);
        Py_XDECREF(value);
        if (BX_UNLIKELY(status < 0)) return -1;
        count++;
        status = next_member(d);
    } while (status > 0);
    if (BX_UNLIKELY(d->strict && PyDict_GET_SIZE(dict) != count)) return -1; /* a key came twice */
    return status;
}

static int read_pairs(bx_json_decoder *d, PyObject *pairs, bool *dollar)
{
    int status;

    do {
        PyObject *key = read_key_and_colon(d, dollar);
        PyObject *value = key == NULL ? NULL : read_value(d);
        PyObject *pair = value == NULL ? NULL : PyTuple_Pack(2, key, value);

        status = pair == NULL ? -1 : PyList_Append(pairs, pair);
        Py_XDECREF(key);
        Py_XDECREF(value);
        Py_XDECREF(pair);
        if (BX_UNLIKELY(status < 0)) return -1;
        status = next_member(d);
    } while (status > 0);
    return status;
}

static PyObject *read_dict(bx_json_decoder *d, bool *dollar)
{
    PyObject *dict = PyDict_New();

    if (dict == NULL) return NULL;
    if (*d->p == '}') {
        d->p++;
        return dict;
    }
    if (BX_LIKELY(read_members(d, dict, dollar) == 0)) return dict;
    Py_DECREF(dict);
    return NULL;
}

static PyObject *read_document(bx_json_decoder *d, bool *dollar)
{
    PyObject *pairs = PyList_New(0);
    PyObject *document = NULL;
    int status = 0;

    if (pairs == NULL) return NULL;
    if (*d->p == '}') {
        d->p++;
    } else {
        status = read_pairs(d, pairs, dollar);
    }
    if (status == 0) document = PyObject_CallOneArg(d->options->document_class, pairs);
    Py_DECREF(pairs);
    return document;
}

/* Behind the brace. */
static PyObject *read_object(bx_json_decoder *d)
{
    PyObject *document;
    bool dollar = false;

    if (BX_UNLIKELY(!bx_enter(&d->guard))) return too_deep("object");
    bx_skip_space(&d->at);
    if (d->p[0] == '"' && d->p[1] == '$') {
        int status = bx_json_read_wrapper(d, &document);

        if (status != 0) {
            bx_leave(&d->guard);
            return status < 0 ? NULL : document;
        }
    }
    if (BX_LIKELY(d->options->document_kind == BX_CLASS_DICT)) {
        document = read_dict(d, &dollar);
    } else {
        document = read_document(d, &dollar);
    }
    if (BX_UNLIKELY(document == NULL)) return NULL;
    bx_leave(&d->guard);
    return BX_UNLIKELY(dollar) ? bx_json_apply_hook(d, document) : document;
}

/* ---- values ---- */

static BX_NOINLINE PyObject *read_not_finite(bx_json_decoder *d)
{
    if (BX_SKIP_WORD(&d->at, "NaN")) return PyFloat_FromDouble(Py_NAN);
    if (BX_SKIP_WORD(&d->at, "Infinity")) return PyFloat_FromDouble(Py_HUGE_VAL);
    if (BX_SKIP_WORD(&d->at, "-Infinity")) return PyFloat_FromDouble(-Py_HUGE_VAL);
    return NULL;
}

static PyObject *read_value(bx_json_decoder *d)
{
    switch (*d->p) {
    case '"': return bx_json_read_string(d);
    case '{': d->p++; return read_object(d);
    case '[': d->p++; return read_array(d);
    case 't': return BX_SKIP_WORD(&d->at, "true") ? Py_NewRef(Py_True) : NULL;
    case 'f': return BX_SKIP_WORD(&d->at, "false") ? Py_NewRef(Py_False) : NULL;
    case 'n': return BX_SKIP_WORD(&d->at, "null") ? Py_NewRef(Py_None) : NULL;
    case 'N':
    case 'I': return read_not_finite(d);
    case '-':
        if (BX_UNLIKELY(d->p[1] == 'I')) return read_not_finite(d);
        return read_number(d);
    default: return read_number(d);
    }
}

/* ---- entry ---- */

/* UTF-8 text while it is read. */
typedef struct {
    const uint8_t *data;
    size_t size;
    PyObject *owner;
} input;

static int open_str(input *in, PyObject *text)
{
#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(text) < 0) return -1;
#endif
    if (PyUnicode_IS_ASCII(text)) {
        in->data = PyUnicode_DATA(text);
        in->size = (size_t)PyUnicode_GET_LENGTH(text);
        in->owner = Py_NewRef(text);
        return 1;
    }
    in->owner = PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
    if (in->owner == NULL) return -1;
    in->data = (const uint8_t *)PyBytes_AS_STRING(in->owner);
    in->size = (size_t)PyBytes_GET_SIZE(in->owner);
    return 1;
}

/* Whether bytes can only be UTF-8 without a byte order mark: a text in another encoding has a NUL
 * among its first four bytes, or a mark, whose first byte is none of ASCII. */
static bool is_plain_utf8(const uint8_t *p, size_t size)
{
    if (size < 4) return false;
    return p[0] != 0 && p[1] != 0 && p[2] != 0 && p[3] != 0 && p[0] < 0x80;
}

/* 1 open, 0 for the pure implementation, -1 with an exception. */
static int open_input(input *in, PyObject *text)
{
    if (PyUnicode_Check(text)) return open_str(in, text);
    if (PyBytes_Check(text)) {
        in->owner = Py_NewRef(text);
    } else if (PyByteArray_Check(text)) {
        in->owner = PyBytes_FromObject(text); /* a copy: Python code may run meanwhile */
        if (in->owner == NULL) return -1;
    } else {
        return 0;
    }
    in->data = (const uint8_t *)PyBytes_AS_STRING(in->owner);
    in->size = (size_t)PyBytes_GET_SIZE(in->owner);
    if (is_plain_utf8(in->data, in->size)) return 1;
    Py_CLEAR(in->owner);
    return 0;
}

/* Whether a failure is final. The text of other failures is that of the pure implementation; for
 * text from bytes it may even be another error, about invalid UTF-8 further on. */
static bool is_final(PyObject *text)
{
    if (!PyErr_Occurred()) return false;
    if (PyUnicode_Check(text)) return true;
    return !PyErr_ExceptionMatches(PyExc_Exception) ||
           PyErr_ExceptionMatches(PyExc_RecursionError) ||
           PyErr_ExceptionMatches(PyExc_MemoryError);
}

static PyObject *read_text(bx_json_decoder *d)
{
    PyObject *value;

    bx_skip_space(&d->at);
    value = read_value(d);
    if (value == NULL) return NULL;
    bx_skip_space(&d->at);
    if (d->p == d->end) return value;
    Py_DECREF(value);
    return NULL;
}

static PyObject *decode(bx_json *j, const input *in, PyObject *options, bool strict)
{
    bx_json_decoder d;
    bx_options *codec = bx_options_hold(j->st, options);
    PyObject *value = NULL;

    if (codec == NULL) {
        PyErr_Clear(); /* unusual options: for the pure implementation */
        return NULL;
    }
    if (strict ? codec->document_kind == BX_CLASS_DICT : codec->document_kind != BX_CLASS_RAW) {
        d.p = in->data;
        d.end = in->data + in->size;
        d.j = j;
        d.st = j->st;
        d.options = codec;
        d.json_options = options;
        d.strict = strict;
        d.keys = bx_keys_acquire(j->st);
        bx_guard_init(&d.guard);
        value = read_text(&d);
        bx_leave_to(&d.guard, 0);
        bx_keys_release(d.keys);
    }
    bx_options_release(j->st, codec);
    return value;
}

static PyObject *read_again(bx_json *j, PyObject *text, PyObject *options, bool strict)
{
    PyObject *const args[2] = {text, options};

    PyErr_Clear();
    return PyObject_Vectorcall(strict ? j->loads_strict : j->loads, args, 2, NULL);
}

PyObject *bx_json_loads(bx_json *j, PyObject *text, PyObject *options, bool strict)
{
    input in = {NULL, 0, NULL};
    PyObject *value = NULL;
    int status;

    if (!PyObject_TypeCheck(options, j->JSONOptions)) return read_again(j, text, options, strict);
    status = open_input(&in, text);
    if (status < 0) return NULL;
    if (status > 0) {
        value = decode(j, &in, options, strict);
        Py_DECREF(in.owner);
        if (value != NULL || is_final(text)) return value;
    }
    return read_again(j, text, options, strict);
}
