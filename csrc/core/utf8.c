#include "core/utf8.h"

/* Raise what str.encode() raises for this text. */
static BX_COLD int raise_unencodable(PyObject *text)
{
    PyObject *encoded = PyUnicode_AsUTF8String(text);

    if (encoded != NULL) {
        Py_DECREF(encoded);
        PyErr_SetString(PyExc_SystemError, "text is encodable after all");
    }
    return -1;
}

static uint8_t *write_latin1(uint8_t *p, const Py_UCS1 *text, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++) p = bx_utf8_put(p, text[i]);
    return p;
}

/* One code point; NULL for a surrogate. */
BX_INLINE uint8_t *write_code_point(uint8_t *p, Py_UCS4 c)
{
    return BX_UNLIKELY(c >= 0xD800 && c <= 0xDFFF) ? NULL : bx_utf8_put(p, c);
}

static uint8_t *write_ucs2(uint8_t *p, const Py_UCS2 *text, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n && p != NULL; i++) p = write_code_point(p, text[i]);
    return p;
}

static uint8_t *write_ucs4(uint8_t *p, const Py_UCS4 *text, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n && p != NULL; i++) p = write_code_point(p, text[i]);
    return p;
}

int bx_utf8_write(bx_writer *w, PyObject *text)
{
    Py_ssize_t n;
    int kind;
    const void *data;
    uint8_t *p;

#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(text) < 0) return -1;
#endif
    n = PyUnicode_GET_LENGTH(text);
    kind = PyUnicode_KIND(text);
    data = PyUnicode_DATA(text);
    if (bx_writer_reserve(w, (size_t)n * (kind == PyUnicode_1BYTE_KIND   ? 2
                                          : kind == PyUnicode_2BYTE_KIND ? 3
                                                                         : 4)) < 0) {
        return -1;
    }
    if (PyUnicode_IS_ASCII(text)) {
        memcpy(w->p, data, (size_t)n);
        p = w->p + n;
    } else if (kind == PyUnicode_1BYTE_KIND) {
        p = write_latin1(w->p, data, n);
    } else if (kind == PyUnicode_2BYTE_KIND) {
        p = write_ucs2(w->p, data, n);
    } else {
        p = write_ucs4(w->p, data, n);
    }
    if (p == NULL) return raise_unencodable(text);
    w->p = p;
    return 0;
}

PyObject *bx_utf8_decode(const uint8_t *data, Py_ssize_t size, const char *errors)
{
    return PyUnicode_DecodeUTF8((const char *)data, size, errors);
}

BX_INLINE bool is_tail(uint8_t c)
{
    return (c & 0xC0) == 0x80;
}

/* The length of the character above 0x7F at `p`; 0 if it is none. */
BX_INLINE size_t valid_length(const uint8_t *p, size_t n)
{
    uint8_t c = p[0];

    if (c < 0xC2) return 0;
    if (c < 0xE0) return n >= 2 && is_tail(p[1]) ? 2 : 0;
    if (c < 0xF0) {
        if (n < 3 || !is_tail(p[1]) || !is_tail(p[2])) return 0;
        if (c == 0xE0 && p[1] < 0xA0) return 0;
        return c == 0xED && p[1] > 0x9F ? 0 : 3;
    }
    if (c > 0xF4 || n < 4 || !is_tail(p[1]) || !is_tail(p[2]) || !is_tail(p[3])) return 0;
    if (c == 0xF0 && p[1] < 0x90) return 0;
    return c == 0xF4 && p[1] > 0x8F ? 0 : 4;
}

bool bx_utf8_is_valid(const uint8_t *p, size_t n)
{
    size_t i = 0;

    while (i < n) {
        size_t length;
        uint64_t word;

        if (n - i >= 8) {
            memcpy(&word, p + i, 8);
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                i += 8;
                continue;
            }
        }
        if (p[i] < 0x80) {
            i++;
            continue;
        }
        length = valid_length(p + i, n - i);
        if (length == 0) return false;
        i += length;
    }
    return true;
}
