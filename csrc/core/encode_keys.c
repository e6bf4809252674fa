/* Keys that the inline way does not take: with checks, not ASCII, or wrong. */
#include "core/encode_inline.h"

static BX_COLD int bad_key_type(bx_encoder *e, PyObject *key)
{
    return bx_invalid_document(e, "documents must have only string keys, key was %R", key);
}

static BX_COLD int bad_key_nul(bx_encoder *e)
{
    return bx_invalid_document(e, "Key names must not contain the NULL byte");
}

static BX_COLD int check_key(bx_encoder *e, PyObject *key, const char *text, size_t n)
{
    if (memchr(text, 0, n) != NULL) return bad_key_nul(e);
    if (n > 0 && text[0] == '$') {
        return bx_invalid_document(e, "key %R must not start with '$'", key);
    }
    if (memchr(text, '.', n) != NULL) {
        return bx_invalid_document(e, "key %R must not contain '.'", key);
    }
    return 0;
}

/* Any key, with all checks; NULL with an exception. */
static uint8_t *put_checked_key(bx_encoder *e, uint8_t *p, PyObject *key)
{
    Py_ssize_t n;
    const char *text;

    if (!PyUnicode_Check(key)) {
        bad_key_type(e, key);
        return NULL;
    }
    text = PyUnicode_AsUTF8AndSize(key, &n);
    if (text == NULL) return NULL;
    if (e->check_keys && check_key(e, key, text, (size_t)n) < 0) return NULL;
    if (memchr(text, 0, (size_t)n) != NULL) {
        bad_key_nul(e);
        return NULL;
    }
    p = bx_reserve(e, p, (size_t)n + 2 + BX_SCALAR_ROOM);
    if (p == NULL) return NULL;
    memcpy(p + 1, text, (size_t)n);
    p += n + 1;
    *p++ = 0;
    return p;
}

/* bx_put_key for a key that is not compact ASCII, or is wrong: to say so may run Python code (its
 * __repr__), which may take it out of the document. */
uint8_t *bx_put_key_slow(bx_encoder *e, uint8_t *p, PyObject *key, size_t *type_at)
{
    size_t before = (size_t)(p - e->w.base);

    Py_INCREF(key);
    p = put_checked_key(e, p, key);
    if (BX_LIKELY(p != NULL)) {
        *type_at = (size_t)(p - e->w.base) - before;
    } else {
        bx_path_add_key(e, key);
    }
    Py_DECREF(key);
    return p;
}
