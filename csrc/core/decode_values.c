/* Values that occur less: binary, code, regular expressions, references, ... */
#include "core/datetime_bson.h"
#include "core/decode.h"
#include "core/encode.h"
#include "core/regex_options.h"
#include "types/types.h"
#include "core/take.h"
#include "core/utf8.h"

static PyObject *text_of(bx_decoder *d, const uint8_t *at, const uint8_t *p, Py_ssize_t size)
{
    PyObject *text;

    if (p == NULL) return bx_bad_element(d, at);
    text = bx_text(p, size, d->options->errors);
    return text != NULL ? text : bx_wrap_error(d, p);
}

static PyObject *decode_text(bx_decoder *d, const uint8_t **at, const uint8_t *end)
{
    Py_ssize_t size = 0;
    const uint8_t *p = bx_take_string(at, end, &size);

    return text_of(d, *at, p, size);
}

static PyObject *decode_cstring(bx_decoder *d, const uint8_t **at, const uint8_t *end)
{
    Py_ssize_t size = 0;
    const uint8_t *p = bx_take_cstring(at, end, &size);

    return text_of(d, *at, p, size);
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
    Py_ssize_t size;
    int subtype;
    const uint8_t *p = bx_take_binary(at, end, &size, &subtype);

    if (p == NULL) return bx_bad_element(d, *at);
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

/* Code with scope: int32 size of all of it, a string, a document that ends it. */
static PyObject *decode_code_with_scope(bx_decoder *d, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = bx_take_sized(at, end, 14), *scope_at, *last;
    PyObject *text, *scope = NULL, *code = NULL;

    if (p == NULL) return bx_bad_element(d, *at);
    p += 4;
    text = decode_text(d, &p, *at);
    if (text == NULL) return NULL;
    scope_at = p;
    if (bx_take_document(&p, *at, &last) != NULL && p == *at) {
        scope = bx_decode_plain_document(d, scope_at);
    } else {
        bx_bad_element(d, scope_at);
    }
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
    const uint8_t *p;

    if (collection == NULL) return NULL;
    p = bx_take(at, end, 12);
    if (p == NULL) {
        bx_bad_element(d, *at);
    } else if ((id = bx_objectid_new(d->st, p)) != NULL) {
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
    const uint8_t *p;

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
        if ((p = bx_take(at, end, 8)) == NULL) break;
        return bx_timestamp_new(d->st, bx_load32(p + 4), bx_load32(p));
    case BX_DECIMAL128:
        if ((p = bx_take(at, end, 16)) == NULL) break;
        return bx_decimal128_new(d->st, bx_load64(p + 8), bx_load64(p));
    case BX_MINKEY:
        return Py_NewRef(d->st->min_key);
    case BX_MAXKEY:
        return Py_NewRef(d->st->max_key);
    default:
        return bx_bad_type(d, element, name);
    }
    return bx_bad_element(d, *at);
}
