/* Documents, arrays and the values that occur most. */
#include "encode.h"

#include "datetime_bson.h"
#include "pylong.h"
#include "types.h"
#include "utf8.h"

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
    if (n > 0 && text[0] == '$') {
        return bx_invalid_document(e, "key %R must not start with '$'", key);
    }
    if (memchr(text, '.', n) != NULL) {
        return bx_invalid_document(e, "key %R must not contain '.'", key);
    }
    return 0;
}

/* A key that is not compact ASCII. */
static BX_NOINLINE int put_key_slow(bx_encoder *e, PyObject *key)
{
    Py_ssize_t n;
    const char *text;

    if (!PyUnicode_Check(key)) return bad_key_type(e, key);
    text = PyUnicode_AsUTF8AndSize(key, &n);
    if (text == NULL) return -1;
    if (memchr(text, 0, (size_t)n) != NULL) return bad_key_nul(e);
    if (e->check_keys && check_key(e, key, text, (size_t)n) < 0) return -1;
    if (bx_writer_reserve(&e->w, (size_t)n + 2 + 16) < 0) return -1;
    e->w.p++;
    bx_put_bytes(&e->w, text, (size_t)n);
    bx_put_u8(&e->w, 0);
    return 0;
}

/* Append a placeholder for the type and the key; room for a scalar is reserved as well. */
BX_INLINE int put_key(bx_encoder *e, PyObject *key)
{
    const uint8_t *text;
    size_t n;

    if (BX_UNLIKELY(!PyUnicode_CheckExact(key) || !PyUnicode_IS_COMPACT_ASCII(key))) {
        return put_key_slow(e, key);
    }
    text = (const uint8_t *)((PyASCIIObject *)key + 1);
    n = (size_t)((PyASCIIObject *)key)->length;
    if (BX_UNLIKELY(e->check_keys) && check_key(e, key, (const char *)text, n) < 0) return -1;
    if (bx_writer_reserve(&e->w, n + 2 + 16) < 0) return -1;
    if (BX_UNLIKELY(copy_key(e->w.p + 1, text, n) != 0)) return bad_key_nul(e);
    e->w.p += n + 1;
    bx_put_u8(&e->w, 0);
    return 0;
}

/* Append a placeholder for the type and an array index as the key; as put_key. */
BX_INLINE int put_index(bx_encoder *e, Py_ssize_t index)
{
    uint8_t *p;

    if (bx_writer_reserve(&e->w, 20 + 2 + 16) < 0) return -1;
    p = e->w.p + 1;
    if (BX_LIKELY(index < 10)) {
        *p++ = (uint8_t)('0' + index);
    } else {
        uint8_t digits[20];
        int n = 0;

        while (index > 0) {
            digits[n++] = (uint8_t)('0' + index % 10);
            index /= 10;
        }
        while (n > 0) *p++ = digits[--n];
    }
    *p++ = 0;
    e->w.p = p;
    return 0;
}

/* ---- values ---- */

/* Append a value that needs no Python code and no memory but the output's; the element's type byte
 * is at `at`, and 16 bytes are reserved. 1 done, 0 not such a value, -1 out of memory. */
BX_INLINE int put_simple(bx_encoder *e, size_t at, PyObject *value)
{
    bx_writer *w = &e->w;
    PyTypeObject *type = Py_TYPE(value);

    if (type == &PyUnicode_Type) {
        size_t n;

        if (BX_UNLIKELY(!PyUnicode_IS_COMPACT_ASCII(value))) return 0;
        n = (size_t)((PyASCIIObject *)value)->length;
        if (BX_UNLIKELY(n >= INT32_MAX)) return 0;
        w->base[at] = BX_STRING;
        if (bx_writer_reserve(w, n + 5) < 0) return -1;
        bx_put_u32(w, (uint32_t)n + 1);
        bx_copy_text(w->p, (const uint8_t *)((PyASCIIObject *)value + 1), n);
        w->p += n;
        bx_put_u8(w, 0);
        return 1;
    }
    if (type == &PyLong_Type) {
        int64_t number;

        if (BX_UNLIKELY(!bx_long_as_int64(value, &number))) return 0;
        if (BX_LIKELY(number == (int32_t)number)) {
            w->base[at] = BX_INT32;
            bx_put_u32(w, (uint32_t)number);
        } else {
            w->base[at] = BX_INT64;
            bx_put_u64(w, (uint64_t)number);
        }
        return 1;
    }
    if (type == &PyFloat_Type) {
        w->base[at] = BX_DOUBLE;
        bx_store_double(w->p, PyFloat_AS_DOUBLE(value));
        w->p += 8;
        return 1;
    }
    if (value == Py_None) {
        w->base[at] = BX_NULL;
        return 1;
    }
    if (type == &PyBool_Type) {
        w->base[at] = BX_BOOL;
        bx_put_u8(w, value == Py_True);
        return 1;
    }
    if (type == e->st->ObjectId) {
        w->base[at] = BX_OBJECTID;
        bx_put_bytes(w, ((bx_objectid *)value)->bytes, 12);
        return 1;
    }
    if (type == e->st->Int64) {
        int64_t number;

        if (BX_UNLIKELY(!bx_long_as_int64(value, &number))) return 0;
        w->base[at] = BX_INT64;
        bx_put_u64(w, (uint64_t)number);
        return 1;
    }
    return 0;
}

/* 0 and -1 of an encode function as 1 (done) and -1. */
BX_INLINE int done(int status)
{
    return status < 0 ? -1 : 1;
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
    return 0;
}

int bx_encode_value(bx_encoder *e, size_t at, PyObject *value)
{
    int status = bx_encode_known(e, at, value);

    return status != 0 ? status : bx_encode_other(e, at, value);
}

int bx_encode_keyed(bx_encoder *e, PyObject *key, PyObject *value)
{
    size_t at = bx_writer_size(&e->w);
    int status;

    status = put_key(e, key);
    if (status == 0) {
        status = put_simple(e, at, value);
        if (status == 0) status = bx_encode_value(e, at, value);
    }
    if (status < 0) bx_path_add_key(e, key);
    return status;
}

/* The common case of bx_encode_keyed without references: values that need Python code or recursion
 * go on with references to key and value, because the container may change meanwhile. */
BX_INLINE int encode_borrowed(bx_encoder *e, PyObject *key, PyObject *value)
{
    size_t at = bx_writer_size(&e->w);
    int status = put_key(e, key);

    if (BX_LIKELY(status == 0)) {
        status = put_simple(e, at, value);
        if (BX_LIKELY(status != 0)) return status;
        Py_INCREF(key);
        Py_INCREF(value);
        status = bx_encode_value(e, at, value);
        if (BX_UNLIKELY(status < 0)) bx_path_add_key(e, key);
        Py_DECREF(key);
        Py_DECREF(value);
        return status;
    }
    bx_path_add_key(e, key);
    return status;
}

BX_INLINE int encode_borrowed_item(bx_encoder *e, Py_ssize_t index, PyObject *value)
{
    size_t at = bx_writer_size(&e->w);
    int status;

    if (BX_UNLIKELY(put_index(e, index) < 0)) return -1;
    status = put_simple(e, at, value);
    if (BX_LIKELY(status != 0)) return status;
    Py_INCREF(value);
    status = bx_encode_value(e, at, value);
    if (BX_UNLIKELY(status < 0)) bx_path_add_index(e, index);
    Py_DECREF(value);
    return status;
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
    if (BX_UNLIKELY(++e->depth > BX_MAX_DEPTH)) return too_deep();
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
    e->depth--;
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

static int encode_pairs(bx_encoder *e, PyObject *dict)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;

    while (PyDict_Next(dict, &position, &key, &value)) {
        if (BX_UNLIKELY(encode_borrowed(e, key, value) < 0)) return -1;
    }
    return 0;
}

static int encode_pairs_but_id(bx_encoder *e, PyObject *dict)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;

    while (PyDict_Next(dict, &position, &key, &value)) {
        if (is_id_key(e->st, key)) continue;
        if (BX_UNLIKELY(encode_borrowed(e, key, value) < 0)) return -1;
    }
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
        status = encode_pairs(e, dict);
    } else if (status > 0) {
        status = encode_pairs_but_id(e, dict);
    }
    Py_END_CRITICAL_SECTION();
    if (BX_UNLIKELY(status < 0)) return -1;
    return end_container(e, at);
}

int bx_encode_list(bx_encoder *e, PyObject *list)
{
    Py_ssize_t at = start_container(e);
    int status = 0;

    if (at < 0) return -1;
    Py_BEGIN_CRITICAL_SECTION(list);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        status = encode_borrowed_item(e, i, PyList_GET_ITEM(list, i));
        if (BX_UNLIKELY(status < 0)) break;
    }
    Py_END_CRITICAL_SECTION();
    if (BX_UNLIKELY(status < 0)) return -1;
    return end_container(e, at);
}

int bx_encode_tuple(bx_encoder *e, PyObject *tuple)
{
    Py_ssize_t at = start_container(e);

    if (at < 0) return -1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        if (encode_borrowed_item(e, i, PyTuple_GET_ITEM(tuple, i)) < 0) return -1;
    }
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
