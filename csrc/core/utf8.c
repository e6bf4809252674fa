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

/* The bytes that follow a first one, and what the first of them may be; 0 for what begins nothing. */
static int sequence_of(uint8_t first, uint8_t *least, uint8_t *most)
{
    *least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    *most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (first >= 0xC2 && first <= 0xDF) return 1;
    if (first >= 0xE0 && first <= 0xEF) return 2;
    return first >= 0xF0 && first <= 0xF4 ? 3 : 0;
}

bool bx_is_utf8_slow(const uint8_t *p, size_t n)
{
    const uint8_t *end = p + n;

    while (p < end) {
        uint8_t least, most;
        int more;

        if (*p < 0x80) {
            p++;
            continue;
        }
        more = sequence_of(*p++, &least, &most);
        if (more == 0 || end - p < more || *p < least || *p > most) return false;
        for (int i = 1; i < more; i++) {
            if ((p[i] & 0xC0) != 0x80) return false;
        }
        p += more;
    }
    return true;
}
