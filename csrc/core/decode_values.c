/* Values that occur less: binary, code, regular expressions, references, ... */
#include "core/datetime_bson.h"
#include "core/decode.h"
#include "core/encode.h"
#include "core/regex_options.h"
#include "types/types.h"
#include "core/utf8.h"

/* A length-prefixed string at *at, which is moved behind it: its bytes without the NUL, or NULL
 * without an exception if it does not fit. */
static const uint8_t *take_string(const uint8_t **at, const uint8_t *end, Py_ssize_t *size)
{
    const uint8_t *p = *at;
    int32_t n;

    if (end - p < 5) return NULL;
    n = (int32_t)bx_load32(p);
    p += 4;
    if (n < 1 || n > end - p || p[n - 1] != 0) return NULL;
    *at = p + n;
    *size = n - 1;
    return p;
}

static PyObject *decode_text(bx_decoder *d, const uint8_t **at, const uint8_t *end)
{
    Py_ssize_t size;
    const uint8_t *p = take_string(at, end, &size);
    PyObject *text;

    if (p == NULL) return bx_bad_element(d, *at);
    text = bx_text(p, size, d->options->errors);
    return text != NULL ? text : bx_wrap_error(d, p);
}

/* A NUL-terminated string. */
static PyObject *decode_cstring(bx_decoder *d, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    const uint8_t *nul = end > p ? memchr(p, 0, (size_t)(end - p)) : NULL;
    PyObject *text;

    if (nul == NULL) return bx_bad_element(d, p);
    *at = nul + 1;
    text = bx_text(p, nul - p, d->options->errors);
    return text != NULL ? text : bx_wrap_error(d, p);
}

/* ---- binary ---- */

static PyObject *decode_uuid(bx_decoder *d, const uint8_t *p, Py_ssize_t size)
{
    uint8_t bytes[16];

    if (size != 16) {
        return bx_bad(d, p - 5, "cannot decode a uuid from a %zd-byte payload, expected 16", size);
    }
    memcpy(bytes, p, 16);
    bx_uuid_reorder(bytes, d->options->uuid_representation);
    return bx_uuid_new(d->st, bytes);
}

/* Whether the options read this subtype as a UUID: a representation reads its own only. */
static bool is_uuid(const bx_options *options, int subtype)
{
    if (options->uuid_representation == BX_UUID_UNSPECIFIED) return false;
    return subtype == (options->uuid_representation == BX_UUID_STANDARD ? 4 : 3);
}

static PyObject *decode_binary(bx_decoder *d, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    int32_t size;
    int subtype;

    if (end - p < 5) return bx_bad_element(d, p);
    size = (int32_t)bx_load32(p);
    subtype = p[4];
    p += 5;
    if (size < 0 || size > end - p) return bx_bad_element(d, *at);
    *at = p + size;
    if (subtype == 2) {
        if (size < 4 || (int32_t)bx_load32(p) != size - 4) return bx_bad_element(d, p);
        p += 4;
        size -= 4;
    }
    if (subtype == 0) return PyBytes_FromStringAndSize((const char *)p, size);
    if (is_uuid(d->options, subtype)) return decode_uuid(d, p, size);
    return bx_binary_new(d->st, p, size, subtype);
}

/* ---- regular expressions ---- */

static PyObject *decode_regex(bx_decoder *d, const uint8_t **at, const uint8_t *end)
{
    PyObject *pattern = decode_cstring(d, at, end);
    PyObject *letters, *regex;
    const char *letter;
    long flags = 0;

    if (pattern == NULL) return NULL;
    letters = decode_cstring(d, at, end);
    letter = letters == NULL ? NULL : PyUnicode_AsUTF8(letters);
    if (letter == NULL) {
        Py_DECREF(pattern);
        Py_XDECREF(letters);
        return NULL;
    }
    for (; *letter; letter++) flags |= bx_regex_flag((uint8_t)*letter);
    Py_DECREF(letters);
    regex = bx_regex_new(d->st, pattern, flags);
    Py_DECREF(pattern);
    return regex;
}

/* ---- code ---- */

static PyObject *decode_code(bx_decoder *d, const uint8_t **at, const uint8_t *end)
{
    PyObject *text = decode_text(d, at, end);
    PyObject *code;

    if (text == NULL) return NULL;
    code = bx_code_new(d->st, text, Py_None);
    Py_DECREF(text);
    return code;
}

static PyObject *decode_scope(bx_decoder *d, const uint8_t *p, const uint8_t *end)
{
    int32_t size;

    if (end - p < 5) return bx_bad_element(d, p);
    size = (int32_t)bx_load32(p);
    if (size != end - p || p[size - 1] != 0) return bx_bad_element(d, p);
    return bx_decode_plain_document(d, p);
}

static PyObject *decode_code_with_scope(bx_decoder *d, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    PyObject *text, *scope, *code = NULL;
    int32_t size;

    if (end - p < 14) return bx_bad_element(d, p);
    size = (int32_t)bx_load32(p);
    if (size < 14 || size > end - p) return bx_bad_element(d, p);
    end = p + size;
    *at = end;
    p += 4;
    text = decode_text(d, &p, end);
    if (text == NULL) return NULL;
    scope = decode_scope(d, p, end);
    if (scope != NULL) {
        code = bx_code_new(d->st, text, scope);
        Py_DECREF(scope);
    }
    Py_DECREF(text);
    return code;
}

/* ---- references ---- */

static PyObject *decode_dbpointer(bx_decoder *d, const uint8_t **at, const uint8_t *end)
{
    PyObject *collection = decode_text(d, at, end);
    PyObject *id, *reference = NULL;

    if (collection == NULL) return NULL;
    if (end - *at < 12) {
        bx_bad_element(d, *at);
    } else if ((id = bx_objectid_new(d->st, *at)) != NULL) {
        *at += 12;
        reference =
            PyObject_CallFunctionObjArgs((PyObject *)d->st->DBRef, collection, id, NULL);
        Py_DECREF(id);
    }
    Py_DECREF(collection);
    return reference;
}

/* Look a key up in a dict or any mapping: as bx_dict_get. */
static int get_item(PyObject *document, PyObject *key, PyObject **value)
{
    int found;

    if (PyDict_CheckExact(document)) return bx_dict_get(document, key, value);
    *value = NULL;
    found = PySequence_Contains(document, key);
    if (found <= 0) return found;
    *value = PyObject_GetItem(document, key);
    return *value == NULL ? -1 : 1;
}

/* The document without the fields that a DBRef names. */
static PyObject *other_fields(bx_state *st, PyObject *document)
{
    PyObject *rest = PyDict_New();

    if (rest == NULL) return NULL;
    if (PyDict_Update(rest, document) < 0 ||
        PyDict_DelItem(rest, st->s_dollar_ref) < 0 || PyDict_DelItem(rest, st->s_dollar_id) < 0) {
        Py_DECREF(rest);
        return NULL;
    }
    if (PyDict_DelItem(rest, st->s_dollar_db) < 0) PyErr_Clear();
    return rest;
}

PyObject *bx_maybe_dbref(bx_decoder *d, PyObject *document)
{
    bx_state *st = d->st;
    PyObject *ref = NULL, *id = NULL, *database = NULL, *rest = NULL, *result = NULL;
    int found = get_item(document, st->s_dollar_ref, &ref);

    if (found > 0) found = PyUnicode_Check(ref) ? get_item(document, st->s_dollar_id, &id) : 0;
    if (found > 0 && (found = get_item(document, st->s_dollar_db, &database)) >= 0) {
        found = database == NULL || database == Py_None || PyUnicode_Check(database);
    }
    if (found == 0) {
        result = Py_NewRef(document);
    } else if (found > 0 && (rest = other_fields(st, document)) != NULL) {
        result = PyObject_CallFunctionObjArgs((PyObject *)st->DBRef, ref, id,
                                              database ? database : Py_None, rest, NULL);
    }
    Py_XDECREF(ref);
    Py_XDECREF(id);
    Py_XDECREF(database);
    Py_XDECREF(rest);
    Py_DECREF(document);
    return result;
}

/* ---- type decoders ---- */

PyObject *bx_apply_decoder(bx_decoder *d, PyObject *value)
{
    PyObject *function, *result;
    int found = bx_dict_get(d->options->decoders, (PyObject *)Py_TYPE(value), &function);

    if (found == 0) return value;
    result = NULL;
    if (found > 0) {
        result = PyObject_CallOneArg(function, value);
        Py_DECREF(function);
    }
    Py_DECREF(value);
    return result;
}

PyObject *bx_decode_rare(bx_decoder *d, uint8_t type, const uint8_t **at, const uint8_t *end,
                         PyObject *name, const uint8_t *element)
{
    const uint8_t *p = *at;

    switch (type) {
    case BX_BINARY:
        return decode_binary(d, at, end);
    case BX_UNDEFINED:
        return Py_NewRef(Py_None);
    case BX_REGEX:
        return decode_regex(d, at, end);
    case BX_DBPOINTER:
        return decode_dbpointer(d, at, end);
    case BX_CODE:
        return decode_code(d, at, end);
    case BX_SYMBOL:
        return decode_text(d, at, end);
    case BX_CODE_W_SCOPE:
        return decode_code_with_scope(d, at, end);
    case BX_TIMESTAMP:
        if (end - p < 8) break;
        *at = p + 8;
        return bx_timestamp_new(d->st, bx_load32(p + 4), bx_load32(p));
    case BX_DECIMAL128:
        if (end - p < 16) break;
        *at = p + 16;
        return bx_decimal128_new(d->st, bx_load64(p + 8), bx_load64(p));
    case BX_MINKEY:
        return Py_NewRef(d->st->min_key);
    case BX_MAXKEY:
        return Py_NewRef(d->st->max_key);
    default:
        return bx_bad_type(d, element, name);
    }
    return bx_bad_element(d, p);
}
