/* JSON text to Python objects: the grammar of the json module, NaN and Infinity included. */
#include "json/decode.h"

#include <math.h>

#include "core/decode.h"
#include "core/hex.h"
#include "core/utf8.h"
#include "core/writer.h"
#include "json/double.h"
#include "json/text.h"
#include "types/types.h"

static PyObject *read_value(bx_json_decoder *d);

/* ---- strings ---- */

/* The first byte from `p` on that ends plain text: a quote, a backslash, a control character (the
 * NUL at `end` is one). */
BX_INLINE const uint8_t *skip_plain(const uint8_t *p, const uint8_t *end)
{
#if BX_SSE2
    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)p);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1F)), v);
        __m128i odd = _mm_or_si128(control, _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                                                         _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
        unsigned mask = (unsigned)_mm_movemask_epi8(odd);

        if (mask != 0) return p + bx_ctz64(mask);
        p += 16;
    }
#else
    (void)end;
#endif
    while (*p >= 0x20 && *p != '"' && *p != '\\') p++;
    return p;
}

PyObject *bx_json_text(const uint8_t *text, size_t size)
{
    return bx_text(text, (Py_ssize_t)size, "surrogatepass");
}

bool bx_json_read_span(bx_json_decoder *d, bx_json_span *span)
{
    const uint8_t *stop;

    if (*d->p != '"') return false;
    stop = skip_plain(d->p + 1, d->end);
    if (*stop != '"') return false;
    span->text = d->p + 1;
    span->size = (size_t)(stop - span->text);
    d->p = stop + 1;
    return true;
}

/* Four hexadecimal digits; -1 if they are not. */
static int32_t read_hex4(const uint8_t *p, const uint8_t *end)
{
    uint8_t bytes[2];

    if (end - p < 4 || !bx_hex_read(bytes, p, 2)) return -1;
    return (int32_t)bytes[0] << 8 | bytes[1];
}

/* The escape at *at, of the form \uXXXX: two of them that make a surrogate pair are one character.
 * -1 if it is malformed. */
static int32_t read_unicode_escape(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    int32_t c = read_hex4(p + 2, end), low;

    *at = p += 6;
    if (c < 0xD800 || c > 0xDBFF || end - p < 6 || p[0] != '\\' || p[1] != 'u') return c;
    low = read_hex4(p + 2, end);
    if (low < 0) return -1;
    if (low < 0xDC00 || low > 0xDFFF) return c;
    *at = p + 6;
    return 0x10000 + ((c - 0xD800) << 10 | (low - 0xDC00));
}

/* The character of an escape; -1 if it is malformed. */
static int32_t read_escape(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;

    if (p[1] == 'u') return read_unicode_escape(at, end);
    *at = p + 2;
    switch (p[1]) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return -1;
    }
}

/* A string whose escapes begin at `stop`. */
static BX_NOINLINE PyObject *read_escaped(bx_json_decoder *d, const uint8_t *start,
                                          const uint8_t *stop)
{
    PyObject *text = NULL;
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
        c = read_escape(&stop, d->end);
        if (c < 0) break;
        w.p = bx_utf8_put(w.p, (uint32_t)c);
        start = stop;
        stop = skip_plain(start, d->end);
    }
    bx_writer_abandon(&w);
    return text;
}

PyObject *bx_json_read_string(bx_json_decoder *d)
{
    const uint8_t *start = d->p + 1;
    const uint8_t *stop;

    if (BX_UNLIKELY(*d->p != '"')) return NULL;
    stop = skip_plain(start, d->end);
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
    PyObject *key;
    size_t size;

    if (BX_UNLIKELY(*d->p != '"')) return NULL;
    stop = skip_plain(start, d->end);
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

/* A magnitude with its sign, if that fits. */
BX_INLINE bool with_sign(uint64_t magnitude, bool negative, int64_t *value)
{
    if (BX_UNLIKELY(magnitude > (uint64_t)INT64_MAX + negative)) return false;
    *value = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

#define MANY_DIGITS 1000000

typedef struct {
    uint64_t mantissa; /* all digits, if there are at most 19 */
    int digits;
    int exponent; /* of ten */
    bool negative;
    bool is_double;
    const uint8_t *end;
} number_parts;

BX_INLINE bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') <= 9;
}

BX_INLINE const uint8_t *read_digits(const uint8_t *p, number_parts *n)
{
    for (; is_digit(*p); p++) {
        if (BX_UNLIKELY(n->digits >= 19)) {
            if (n->digits < MANY_DIGITS) n->digits++;
            continue;
        }
        n->mantissa = n->mantissa * 10 + (uint64_t)(*p - '0');
        n->digits += n->mantissa != 0;
    }
    return p;
}

static const uint8_t *read_exponent(const uint8_t *p, number_parts *n)
{
    const uint8_t *q = p + 1;
    bool negative = *q == '-';
    int exponent = 0;

    if (*q == '-' || *q == '+') q++;
    if (!is_digit(*q)) return p;
    for (; is_digit(*q); q++) {
        if (exponent < MANY_DIGITS) exponent = exponent * 10 + (*q - '0');
    }
    n->exponent += negative ? -exponent : exponent;
    n->is_double = true;
    return q;
}

/* Scan the number at `p`; false if there is none. */
BX_INLINE bool scan_number(const uint8_t *p, number_parts *n)
{
    n->mantissa = 0;
    n->digits = 0;
    n->exponent = 0;
    n->is_double = false;
    n->negative = *p == '-';
    p += n->negative;
    if (!is_digit(*p)) return false;
    p = *p == '0' ? p + 1 : read_digits(p, n);
    if (*p == '.' && is_digit(p[1])) {
        const uint8_t *fraction = p + 1;

        p = read_digits(fraction, n);
        n->exponent = p - fraction > MANY_DIGITS ? -MANY_DIGITS : -(int)(p - fraction);
        n->is_double = true;
    }
    if (*p == 'e' || *p == 'E') p = read_exponent(p, n);
    n->end = p;
    return true;
}

static int parse_double_slow(const uint8_t *text, size_t size, double *value)
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

BX_INLINE int to_double(const number_parts *n, const uint8_t *text, double *value)
{
    double v;

    if (BX_UNLIKELY(n->digits > 19 || !bx_double_read(n->mantissa, n->exponent, &v))) {
        return parse_double_slow(text, (size_t)(n->end - text), value);
    }
    *value = n->negative ? -v : v;
    return 0;
}

/* Whether nothing is left of a number: it is too large or too small for a double. */
BX_INLINE bool is_lost(const number_parts *n, double value)
{
    return isinf(value) || (value == 0 && n->mantissa != 0);
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
    number_parts n;
    int64_t number;
    double value;

    if (BX_UNLIKELY(!scan_number(text, &n))) return NULL;
    d->p = n.end;
    if (!n.is_double) {
        if (BX_UNLIKELY(n.digits > 19 || !with_sign(n.mantissa, n.negative, &number))) {
            return read_big_int(text, n.end);
        }
        return PyLong_FromLongLong(number);
    }
    if (to_double(&n, text, &value) < 0) return NULL;
    if (BX_UNLIKELY(d->strict && is_lost(&n, value))) return NULL;
    return PyFloat_FromDouble(value);
}

bool bx_json_span_as_int(bx_json_span span, int64_t *value)
{
    uint64_t number = 0;
    bool negative = span.size > 0 && span.text[0] == '-';
    size_t i = negative;

    if (span.size - i < 1 || span.size - i > 19) return false;
    for (; i < span.size; i++) {
        if (!is_digit(span.text[i])) return false;
        number = number * 10 + (uint64_t)(span.text[i] - '0');
    }
    return with_sign(number, negative, value);
}

int bx_json_span_as_double(bx_json_decoder *d, bx_json_span span, double *value)
{
    number_parts n;

    if (!scan_number(span.text, &n) || n.end != span.text + span.size) return 0;
    if (to_double(&n, span.text, value) < 0) return -1;
    return d->strict && is_lost(&n, *value) ? 0 : 1;
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
        bx_json_skip_space(d);
        if (*d->p == ']') {
            d->p++;
            return list;
        }
        if (BX_UNLIKELY(*d->p != ',')) return NULL;
        d->p++;
        bx_json_skip_space(d);
    }
}

/* Behind the bracket. */
static PyObject *read_array(bx_json_decoder *d)
{
    PyObject *list;

    if (BX_UNLIKELY(!bx_enter(&d->guard))) return too_deep("array");
    bx_json_skip_space(d);
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
    bx_json_skip_space(d);
    if (BX_UNLIKELY(*d->p != ':')) {
        Py_DECREF(key);
        return NULL;
    }
    d->p++;
    bx_json_skip_space(d);
    return key;
}

/* Behind a value: 1 there is another member, 0 the object ends, -1 not JSON. */
BX_INLINE int next_member(bx_json_decoder *d)
{
    bx_json_skip_space(d);
    if (BX_LIKELY(*d->p == ',')) {
        d->p++;
        bx_json_skip_space(d);
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
    bx_json_skip_space(d);
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

BX_INLINE bool skip_word(bx_json_decoder *d, const char *word, size_t size)
{
    if ((size_t)(d->end - d->p) < size || memcmp(d->p, word, size) != 0) return false;
    d->p += size;
    return true;
}

#define SKIP_WORD(d, word) skip_word(d, word, sizeof(word) - 1)

static BX_NOINLINE PyObject *read_not_finite(bx_json_decoder *d)
{
    if (SKIP_WORD(d, "NaN")) return PyFloat_FromDouble(Py_NAN);
    if (SKIP_WORD(d, "Infinity")) return PyFloat_FromDouble(Py_HUGE_VAL);
    if (SKIP_WORD(d, "-Infinity")) return PyFloat_FromDouble(-Py_HUGE_VAL);
    return NULL;
}

static PyObject *read_value(bx_json_decoder *d)
{
    switch (*d->p) {
    case '"': return bx_json_read_string(d);
    case '{': d->p++; return read_object(d);
    case '[': d->p++; return read_array(d);
    case 't': return SKIP_WORD(d, "true") ? Py_NewRef(Py_True) : NULL;
    case 'f': return SKIP_WORD(d, "false") ? Py_NewRef(Py_False) : NULL;
    case 'n': return SKIP_WORD(d, "null") ? Py_NewRef(Py_None) : NULL;
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

    bx_json_skip_space(d);
    value = read_value(d);
    if (value == NULL) return NULL;
    bx_json_skip_space(d);
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
