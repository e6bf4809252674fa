/* Documents, arrays and the values that occur most. */
#include "core/encode.h"

#include "core/datetime_bson.h"
#include "core/pylong.h"
#include "types/types.h"
#include "core/utf8.h"

/* Copy `n` bytes; the result is non-zero if there is a NUL byte among them. */
BX_INLINE uint64_t copy_key(uint8_t *dst, const uint8_t *src, size_t n)
{
    uint64_t word, bad = 0;

    if (n >= 8) {
        size_t i = 0;

        do {
            memcpy(&word, src + i, 8);
            bad |= bx_zero_byte(word);
            memcpy(dst + i, &word, 8);
            i += 8;
        } while (i + 8 <= n);
        memcpy(&word, src + n - 8, 8);
        bad |= bx_zero_byte(word);
        memcpy(dst + n - 8, &word, 8);
        return bad;
    }
    if (n >= 4) {
        uint32_t head, tail;

        memcpy(&head, src, 4);
        memcpy(&tail, src + n - 4, 4);
        memcpy(dst, &head, 4);
        memcpy(dst + n - 4, &tail, 4);
        return bx_zero_byte(head | (uint64_t)tail << 32);
    }
    if (n > 0) {
        uint8_t a = src[0], b = src[n >> 1], c = src[n - 1];

        dst[0] = a;
        dst[n >> 1] = b;
        dst[n - 1] = c;
        return !(a && b && c);
    }
    return 0;
}

/* ---- keys ---- */

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

/* The fast path keeps the output position in a register: these functions take it and return it
 * moved on, or NULL with an exception. The writer's own position is set before anything else may
 * write, and read again after it. */

BX_INLINE uint8_t *reserve(bx_encoder *e, uint8_t *p, size_t size)
{
    if (BX_LIKELY((size_t)(e->w.end - p) >= size)) return p;
    e->w.p = p;
    return bx_writer_grow(&e->w, size) < 0 ? NULL : e->w.p;
}

/* What every element has room for once its key is written. */
#define SCALAR 16

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
    p = reserve(e, p, (size_t)n + 2 + SCALAR);
    if (p == NULL) return NULL;
    memcpy(p + 1, text, (size_t)n);
    p += n + 1;
    *p++ = 0;
    return p;
}

/* put_key for a key that is not compact ASCII, or is wrong: to say so may run Python code (its
 * __repr__), which may take it out of the document. */
static BX_NOINLINE uint8_t *put_key_slow(bx_encoder *e, uint8_t *p, PyObject *key, size_t *type_at)
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

/* Append a placeholder for the type, and the key; room for a scalar is reserved as well. The key
 * alone tells where the placeholder is: *type_at is its distance before the result. */
BX_INLINE uint8_t *put_key(bx_encoder *e, uint8_t *p, PyObject *key, size_t *type_at)
{
    const uint8_t *text;
    size_t n;

    if (BX_UNLIKELY(!PyUnicode_CheckExact(key) || !PyUnicode_IS_COMPACT_ASCII(key) ||
                    e->check_keys)) {
        return put_key_slow(e, p, key, type_at);
    }
    text = (const uint8_t *)((PyASCIIObject *)key + 1);
    n = (size_t)((PyASCIIObject *)key)->length;
    p = reserve(e, p, n + 2 + SCALAR);
    if (BX_UNLIKELY(p == NULL)) {
        bx_path_add_key(e, key);
        return NULL;
    }
    if (BX_UNLIKELY(copy_key(p + 1, text, n) != 0)) return put_key_slow(e, p, key, type_at);
    *type_at = n + 2;
    p += n + 2;
    p[-1] = 0;
    return p;
}

/* The same for an array index as the key. */
BX_INLINE uint8_t *put_index(bx_encoder *e, uint8_t *p, Py_ssize_t index, size_t *type_at)
{
    uint8_t digits[20];
    int n = 0;

    p = reserve(e, p, sizeof digits + 2 + SCALAR);
    if (BX_UNLIKELY(p == NULL)) return NULL;
    if (BX_LIKELY(index < 10)) {
        p[1] = (uint8_t)('0' + index);
        p[2] = 0;
        *type_at = 3;
        return p + 3;
    }
    while (index > 0) {
        digits[n++] = (uint8_t)('0' + index % 10);
        index /= 10;
    }
    *type_at = (size_t)n + 2;
    p++;
    while (n > 0) *p++ = digits[--n];
    *p++ = 0;
    return p;
}

/* ---- values ---- */

/* Append a value that needs no Python code; the element's type byte is `type_at` before `p`, and
 * SCALAR bytes are reserved. *other is set, and nothing written, for any other value. */
BX_INLINE uint8_t *put_simple(bx_encoder *e, uint8_t *p, size_t type_at, PyObject *value,
                              bool *other)
{
    PyTypeObject *type = Py_TYPE(value);
    uint8_t *code = p - type_at;

    *other = false;
    if (type == &PyUnicode_Type) {
        size_t n;

        if (BX_UNLIKELY(!PyUnicode_IS_COMPACT_ASCII(value))) goto other;
        n = (size_t)((PyASCIIObject *)value)->length;
        if (BX_UNLIKELY(n >= INT32_MAX)) goto other;
        *code = BX_STRING;
        p = reserve(e, p, n + 5);
        if (BX_UNLIKELY(p == NULL)) return NULL;
        bx_store32(p, (uint32_t)n + 1);
        bx_copy_text(p + 4, (const uint8_t *)((PyASCIIObject *)value + 1), n);
        p += n + 5;
        p[-1] = 0;
        return p;
    }
    if (type == &PyLong_Type) {
        int64_t number;

        if (BX_UNLIKELY(!bx_long_as_int64(value, &number))) goto other;
        if (BX_LIKELY(number == (int32_t)number)) {
            *code = BX_INT32;
            bx_store32(p, (uint32_t)number);
            return p + 4;
        }
        *code = BX_INT64;
        bx_store64(p, (uint64_t)number);
        return p + 8;
    }
    if (type == &PyDict_Type || type == &PyList_Type) goto other;
    if (type == &PyFloat_Type) {
        *code = BX_DOUBLE;
        bx_store_double(p, PyFloat_AS_DOUBLE(value));
        return p + 8;
    }
    if (value == Py_None) {
        *code = BX_NULL;
        return p;
    }
    if (type == &PyBool_Type) {
        *code = BX_BOOL;
        *p = value == Py_True;
        return p + 1;
    }
    if (type == e->st->ObjectId) {
        *code = BX_OBJECTID;
        memcpy(p, ((bx_objectid *)value)->bytes, 12);
        return p + 12;
    }
    if (type == e->st->Int64) {
        int64_t number;

        if (BX_UNLIKELY(!bx_long_as_int64(value, &number))) goto other;
        *code = BX_INT64;
        bx_store64(p, (uint64_t)number);
        return p + 8;
    }
other:
    *other = true;
    return p;
}

/* 0 and -1 of an encode function as 1 (done) and -1. */
BX_INLINE int done(int status)
{
    return status < 0 ? -1 : 1;
}

/* An instance of Code itself keeps its scope in an attribute, which spares the property's call. */
static int encode_exact_code(bx_encoder *e, size_t at, PyObject *value)
{
    PyObject *scope = PyObject_GenericGetAttr(value, e->st->s_code_scope);
    int status;

    if (scope == NULL) return -1;
    status = bx_encode_code(e, at, value, scope);
    Py_DECREF(scope);
    return status;
}

int bx_encode_known(bx_encoder *e, size_t at, PyObject *value)
{
    bx_state *st = e->st;
    PyTypeObject *type = Py_TYPE(value);

    if (type == &PyDict_Type) {
        bx_set_type(e, at, BX_DOCUMENT);
        return done(bx_encode_dict(e, value, false));
    }
    if (type == &PyList_Type) {
        bx_set_type(e, at, BX_ARRAY);
        return done(bx_encode_list(e, value));
    }
    if (type == &PyUnicode_Type) {
        bx_set_type(e, at, BX_STRING);
        return done(bx_encode_text(e, value));
    }
    if (type == st->datetime->DateTimeType) {
        bx_set_type(e, at, BX_DATETIME);
        return done(bx_encode_datetime(e, value));
    }
    if (type == &PyBytes_Type) {
        bx_set_type(e, at, BX_BINARY);
        return done(bx_encode_bytes(e, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), 0));
    }
    if (type == &PyTuple_Type) {
        bx_set_type(e, at, BX_ARRAY);
        return done(bx_encode_tuple(e, value));
    }
    if (type == st->Timestamp) {
        bx_set_type(e, at, BX_TIMESTAMP);
        bx_put_u32(&e->w, ((bx_timestamp *)value)->inc);
        bx_put_u32(&e->w, ((bx_timestamp *)value)->time);
        return 1;
    }
    if (type == st->Decimal128) {
        bx_set_type(e, at, BX_DECIMAL128);
        bx_put_u64(&e->w, ((bx_decimal128 *)value)->low);
        bx_put_u64(&e->w, ((bx_decimal128 *)value)->high);
        return 1;
    }
    if (type == st->DatetimeMS) {
        bx_set_type(e, at, BX_DATETIME);
        bx_put_u64(&e->w, (uint64_t)((bx_datetime_ms *)value)->millis);
        return 1;
    }
    if (type == st->MinKey || type == st->MaxKey) {
        bx_set_type(e, at, type == st->MinKey ? BX_MINKEY : BX_MAXKEY);
        return 1;
    }
    if (type == st->Binary) {
        bx_set_type(e, at, BX_BINARY);
        return done(bx_encode_binary(e, value));
    }
    if (type == st->Regex || type == st->Pattern) {
        bx_set_type(e, at, BX_REGEX);
        return done(bx_encode_regex(e, value));
    }
    if (type == st->UUID) {
        bx_set_type(e, at, BX_BINARY);
        return done(bx_encode_uuid(e, value));
    }
    if (type == st->Code) return done(encode_exact_code(e, at, value));
    if (type == st->SON) {
        bx_set_type(e, at, BX_DOCUMENT);
        return done(bx_encode_dict(e, value, false));
    }
    if (type == st->DBRef) {
        bx_set_type(e, at, BX_DOCUMENT);
        return done(bx_encode_as_doc(e, value));
    }
    return 0;
}

int bx_encode_value(bx_encoder *e, size_t at, PyObject *value)
{
    int status = bx_encode_known(e, at, value);

    return status != 0 ? status : bx_encode_other(e, at, value);
}

/* A value that put_simple left, behind a key that is written. */
BX_INLINE uint8_t *put_other(bx_encoder *e, uint8_t *p, size_t type_at, PyObject *value)
{
    size_t at = (size_t)(p - e->w.base) - type_at;
    PyTypeObject *type = Py_TYPE(value);
    int status;

    e->w.p = p;
    if (type == &PyDict_Type) {
        p[-(ptrdiff_t)type_at] = BX_DOCUMENT;
        status = bx_encode_dict(e, value, false);
    } else {
        status = bx_encode_value(e, at, value);
    }
    return BX_UNLIKELY(status < 0) ? NULL : e->w.p;
}

/* Append an element. Key and value are borrowed from a container that may change as soon as Python
 * code runs: values that need that, or recursion, go on with references to both. */
BX_INLINE uint8_t *put_element(bx_encoder *e, uint8_t *p, PyObject *key, PyObject *value)
{
    size_t type_at;
    bool other;

    p = put_key(e, p, key, &type_at);
    if (BX_UNLIKELY(p == NULL)) return NULL;
    p = put_simple(e, p, type_at, value, &other);
    if (BX_UNLIKELY(other)) {
        Py_INCREF(key);
        Py_INCREF(value);
        p = put_other(e, p, type_at, value);
        if (BX_UNLIKELY(p == NULL)) bx_path_add_key(e, key);
        Py_DECREF(key);
        Py_DECREF(value);
    }
    return p;
}

BX_INLINE uint8_t *put_item(bx_encoder *e, uint8_t *p, Py_ssize_t index, PyObject *value)
{
    size_t type_at;
    bool other;

    p = put_index(e, p, index, &type_at);
    if (BX_UNLIKELY(p == NULL)) return NULL;
    p = put_simple(e, p, type_at, value, &other);
    if (BX_UNLIKELY(other)) {
        Py_INCREF(value);
        p = put_other(e, p, type_at, value);
        if (BX_UNLIKELY(p == NULL)) bx_path_add_index(e, index);
        Py_DECREF(value);
    }
    return p;
}

int bx_encode_keyed(bx_encoder *e, PyObject *key, PyObject *value)
{
    uint8_t *p = put_element(e, e->w.p, key, value);

    if (p == NULL) return -1;
    e->w.p = p;
    return 0;
}

/* ---- containers ---- */

static BX_COLD int too_deep(void)
{
    PyErr_SetString(PyExc_RecursionError,
                    "maximum recursion depth exceeded while encoding an object to BSON ");
    return -1;
}

/* Where the size of a new container goes, for end_container; -1 with an exception. */
BX_INLINE Py_ssize_t start_container(bx_encoder *e)
{
    if (BX_UNLIKELY(!bx_enter(&e->guard))) return too_deep();
    if (bx_writer_reserve(&e->w, 5) < 0) return -1;
    return (Py_ssize_t)bx_put_size_later(&e->w);
}

static BX_COLD int too_large(bx_encoder *e)
{
    return bx_invalid_document(e, "Document would overflow BSON size limit");
}

BX_INLINE int end_container(bx_encoder *e, Py_ssize_t at)
{
    size_t size;

    if (bx_writer_reserve(&e->w, 1) < 0) return -1;
    bx_put_u8(&e->w, 0);
    size = bx_writer_size(&e->w) - (size_t)at;
    if (BX_UNLIKELY(size > INT32_MAX)) return too_large(e);
    bx_patch_u32(&e->w, (size_t)at, (uint32_t)size);
    bx_leave(&e->guard);
    return 0;
}

Py_ssize_t bx_start_container(bx_encoder *e)
{
    return start_container(e);
}

int bx_end_container(bx_encoder *e, Py_ssize_t at)
{
    return end_container(e, at);
}

BX_INLINE bool is_id_key(bx_state *st, PyObject *key)
{
    return key == st->s_id || (PyUnicode_CheckExact(key) &&
                               PyUnicode_GET_LENGTH(key) == 3 &&
                               PyUnicode_Compare(key, st->s_id) == 0);
}

/* Write `_id` before everything else. 1 written, 0 there is none, -1 error. */
static int encode_leading_id(bx_encoder *e, PyObject *dict)
{
    PyObject *value;
    int status = bx_dict_get(dict, e->st->s_id, &value);

    if (status <= 0) return status;
    status = bx_encode_keyed(e, e->st->s_id, value);
    Py_DECREF(value);
    return status < 0 ? -1 : 1;
}

/* The pairs of a dict, without the key `_id` if it was written before. */
BX_INLINE int encode_pairs(bx_encoder *e, PyObject *dict, bool skip_id)
{
    Py_ssize_t count = PyDict_GET_SIZE(dict);
    PyObject *key, *value;
    Py_ssize_t position = 0;
    uint8_t *p = e->w.p;

    /* Counting spares the call that would only find the end. */
    while (count-- > 0 && PyDict_Next(dict, &position, &key, &value)) {
        if (skip_id && is_id_key(e->st, key)) continue;
        p = put_element(e, p, key, value);
        if (BX_UNLIKELY(p == NULL)) return -1;
    }
    e->w.p = p;
    return 0;
}

int bx_encode_dict(bx_encoder *e, PyObject *dict, bool top)
{
    Py_ssize_t at = start_container(e);
    int status = 0;

    if (at < 0) return -1;
    Py_BEGIN_CRITICAL_SECTION(dict);
    if (top) status = encode_leading_id(e, dict);
    if (BX_LIKELY(status == 0)) {
        status = encode_pairs(e, dict, false);
    } else if (status > 0) {
        status = encode_pairs(e, dict, true);
    }
    Py_END_CRITICAL_SECTION();
    if (BX_UNLIKELY(status < 0)) return -1;
    return end_container(e, at);
}

int bx_encode_list(bx_encoder *e, PyObject *list)
{
    Py_ssize_t at = start_container(e);
    uint8_t *p = e->w.p;

    if (at < 0) return -1;
    Py_BEGIN_CRITICAL_SECTION(list);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        p = put_item(e, p, i, PyList_GET_ITEM(list, i));
        if (BX_UNLIKELY(p == NULL)) break;
    }
    Py_END_CRITICAL_SECTION();
    if (BX_UNLIKELY(p == NULL)) return -1;
    e->w.p = p;
    return end_container(e, at);
}

int bx_encode_tuple(bx_encoder *e, PyObject *tuple)
{
    Py_ssize_t at = start_container(e);
    uint8_t *p = e->w.p;

    if (at < 0) return -1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        p = put_item(e, p, i, PyTuple_GET_ITEM(tuple, i));
        if (BX_UNLIKELY(p == NULL)) return -1;
    }
    e->w.p = p;
    return end_container(e, at);
}

/* The fields of any mapping, by its iterator and item access; `skip_id` leaves out `_id`. */
static int encode_items(bx_encoder *e, PyObject *mapping, bool skip_id)
{
    PyObject *iterator = PyObject_GetIter(mapping);
    PyObject *key, *value;
    int status = 0;

    if (iterator == NULL) return -1;
    while (status >= 0 && (key = PyIter_Next(iterator)) != NULL) {
        if (!skip_id || !is_id_key(e->st, key)) {
            value = PyObject_GetItem(mapping, key);
            status = value == NULL ? -1 : bx_encode_keyed(e, key, value);
            Py_XDECREF(value);
        }
        Py_DECREF(key);
    }
    Py_DECREF(iterator);
    return status < 0 || PyErr_Occurred() ? -1 : 0;
}

/* As encode_leading_id for any mapping. */
static int encode_mapping_id(bx_encoder *e, PyObject *mapping)
{
    int status = PySequence_Contains(mapping, e->st->s_id);
    PyObject *value;

    if (status <= 0) return status;
    value = PyObject_GetItem(mapping, e->st->s_id);
    if (value == NULL) return -1;
    status = bx_encode_keyed(e, e->st->s_id, value);
    Py_DECREF(value);
    return status < 0 ? -1 : 1;
}

int bx_encode_mapping(bx_encoder *e, PyObject *mapping, bool top)
{
    Py_ssize_t at = start_container(e);
    int status = 0;

    if (at < 0) return -1;
    if (top) status = encode_mapping_id(e, mapping);
    if (status >= 0) status = encode_items(e, mapping, status > 0);
    return status < 0 ? -1 : end_container(e, at);
}
