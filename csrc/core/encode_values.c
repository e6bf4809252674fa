/* Values of the package's own types and of the standard library's. */
#include "core/datetime_bson.h"
#include "core/encode.h"
#include "core/pylong.h"
#include "core/regex_options.h"
#include "raw/raw_document.h"
#include "types/storage.h"
#include "types/types.h"
#include "core/utf8.h"

/* Raise InvalidStringData. Always -1. */
static BX_COLD int invalid_text(bx_encoder *e, const char *message)
{
    PyErr_SetString(e->st->InvalidStringData, message);
    return -1;
}

int bx_encode_text(bx_encoder *e, PyObject *text)
{
    size_t at, size;

    if (PyUnicode_GET_LENGTH(text) >= INT32_MAX) {
        return invalid_text(e, "String length must be <= 2147483647");
    }
    if (bx_writer_reserve(&e->w, 5) < 0) return -1;
    at = bx_put_size_later(&e->w);
    if (bx_utf8_write(&e->w, text) < 0 || bx_writer_reserve(&e->w, 1) < 0) return -1;
    bx_put_u8(&e->w, 0);
    size = bx_writer_size(&e->w) - at - 4;
    if (size > INT32_MAX) return invalid_text(e, "String length must be <= 2147483647");
    bx_patch_u32(&e->w, at, (uint32_t)size);
    return 0;
}

int bx_encode_int(bx_encoder *e, size_t at, PyObject *value, bool always_int64)
{
    int64_t number;

    if (!bx_long_as_int64(value, &number)) {
        PyErr_SetString(PyExc_OverflowError, "MongoDB can only handle up to 8-byte ints");
        return -1;
    }
    if (bx_writer_reserve(&e->w, 8) < 0) return -1;
    if (!always_int64 && number == (int32_t)number) {
        bx_set_type(e, at, BX_INT32);
        bx_put_u32(&e->w, (uint32_t)number);
    } else {
        bx_set_type(e, at, BX_INT64);
        bx_put_u64(&e->w, (uint64_t)number);
    }
    return 0;
}

/* ---- binary and UUID ---- */

int bx_encode_bytes(bx_encoder *e, const void *data, Py_ssize_t size, int subtype)
{
    size_t extra = subtype == 2 ? 4 : 0;

    if (size > INT32_MAX - 4) {
        return invalid_text(e, "Binary length must be <= 2147483647");
    }
    if (bx_writer_reserve(&e->w, 5 + extra + (size_t)size) < 0) return -1;
    bx_put_u32(&e->w, (uint32_t)((size_t)size + extra));
    bx_put_u8(&e->w, (uint8_t)subtype);
    if (extra) bx_put_u32(&e->w, (uint32_t)size);
    bx_put_bytes(&e->w, data, (size_t)size);
    return 0;
}

static int read_subtype(PyObject *object)
{
    long subtype = PyLong_AsLong(object);

    if (subtype == -1 && PyErr_Occurred()) return -1;
    if (subtype < 0 || subtype > 255) {
        PyErr_SetString(PyExc_ValueError, "the subtype of a Binary must be in 0..255");
        return -1;
    }
    return (int)subtype;
}

int bx_encode_binary(bx_encoder *e, PyObject *value)
{
    PyObject *object;
    int subtype;

    /* An instance of Binary itself keeps it in a field, which spares the property's call. */
    if (Py_IS_TYPE(value, e->st->Binary)) {
        object = bx_stored(value, bx_binary_subtype(value), "_Binary__subtype");
    } else {
        object = PyObject_GetAttr(value, e->st->s_subtype);
    }
    if (object == NULL) return -1;
    subtype = read_subtype(object);
    Py_DECREF(object);
    if (subtype < 0) return -1;
    if (!PyBytes_Check(value)) {
        PyErr_Format(PyExc_TypeError, "expected bytes, %.200s found", Py_TYPE(value)->tp_name);
        return -1;
    }
    return bx_encode_bytes(e, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), subtype);
}

static int uuid_bytes(bx_state *st, PyObject *uuid, uint8_t *bytes)
{
    PyObject *number = PyObject_GetAttr(uuid, st->s_int_);
    int status;

    if (number == NULL) return -1;
    if (!PyLong_Check(number)) {
        PyErr_SetString(PyExc_TypeError, "the value of a UUID must be an int");
        status = -1;
    } else {
        status = bx_long_to_big_endian(number, bytes, 16);
    }
    Py_DECREF(number);
    return status;
}

static void reverse(uint8_t *p, int n)
{
    for (int i = 0; i < n / 2; i++) {
        uint8_t c = p[i];

        p[i] = p[n - 1 - i];
        p[n - 1 - i] = c;
    }
}

void bx_uuid_reorder(uint8_t *bytes, int representation)
{
    if (representation == BX_UUID_JAVA_LEGACY) {
        reverse(bytes, 8);
        reverse(bytes + 8, 8);
    } else if (representation == BX_UUID_CSHARP_LEGACY) {
        reverse(bytes, 4);
        reverse(bytes + 4, 2);
        reverse(bytes + 6, 2);
    }
}

/* A subclass is asked for its bytes, in the order of the representation. */
static int asked_uuid_bytes(bx_state *st, PyObject *uuid, int representation, uint8_t *bytes)
{
    bool little = representation == BX_UUID_CSHARP_LEGACY;
    PyObject *data = PyObject_GetAttr(uuid, little ? st->s_bytes_le : st->s_bytes);
    int status = -1;

    if (data == NULL) return -1;
    if (!PyBytes_Check(data)) {
        PyErr_Format(PyExc_TypeError, "the bytes of a UUID must be bytes, not %R", Py_TYPE(data));
    } else if (PyBytes_GET_SIZE(data) != 16) {
        PyErr_SetString(PyExc_ValueError, "the bytes of a UUID must be 16");
    } else {
        memcpy(bytes, PyBytes_AS_STRING(data), 16);
        if (!little) bx_uuid_reorder(bytes, representation);
        status = 0;
    }
    Py_DECREF(data);
    return status;
}

int bx_encode_uuid(bx_encoder *e, PyObject *value)
{
    uint8_t bytes[16];
    int representation = e->uuid_representation;

    if (representation == BX_UUID_UNSPECIFIED) {
        PyErr_SetString(PyExc_ValueError,
                        "cannot encode native uuid.UUID with UuidRepresentation.UNSPECIFIED. "
                        "UUIDs can be manually converted to bson.Binary instances using "
                        "bson.Binary.from_uuid() or a different UuidRepresentation can be "
                        "configured. See the documentation for UuidRepresentation for more "
                        "information.");
        return -1;
    }
    if (BX_LIKELY(Py_IS_TYPE(value, e->st->UUID))) {
        if (uuid_bytes(e->st, value, bytes) < 0) return -1;
        bx_uuid_reorder(bytes, representation);
    } else if (asked_uuid_bytes(e->st, value, representation, bytes) < 0) {
        return -1;
    }
    return bx_encode_bytes(e, bytes, 16, representation == BX_UUID_STANDARD ? 4 : 3);
}

/* ---- documents that values bring along ---- */

static int encode_any_document(bx_encoder *e, PyObject *document)
{
    long marker;
    int status;

    e->foreign++; /* the method as_doc */
    if (PyDict_CheckExact(document)) return bx_encode_dict(e, document, false);
    if (bx_read_marker(e, document, &marker) < 0) return -1;
    if (marker == BX_MARK_RAW) return bx_encode_raw(e, document);
    if (PyDict_Check(document)) return bx_encode_dict_subclass(e, document, false);
    status = PyObject_IsInstance(document, (PyObject *)e->st->Mapping);
    if (status == 0) {
        PyErr_Format(PyExc_TypeError, "encoder expected a mapping type but got: %R", document);
    }
    return status > 0 ? bx_encode_mapping(e, document, false) : -1;
}

/* A scope or a reference: its keys are not the user's to check. */
static int encode_subdocument(bx_encoder *e, PyObject *document)
{
    bool check_keys = e->check_keys;
    int status;

    e->check_keys = false;
    status = encode_any_document(e, document);
    e->check_keys = check_keys;
    return status;
}

/* ---- code ---- */

int bx_encode_code(bx_encoder *e, size_t at, PyObject *value, PyObject *scope)
{
    size_t size_at, size;

    if (scope == Py_None) {
        bx_set_type(e, at, BX_CODE);
        return bx_encode_text(e, value);
    }
    bx_set_type(e, at, BX_CODE_W_SCOPE);
    if (bx_writer_reserve(&e->w, 4) < 0) return -1;
    size_at = bx_put_size_later(&e->w);
    if (bx_encode_text(e, value) < 0) return -1;
    if (encode_subdocument(e, scope) < 0) return -1;
    size = bx_writer_size(&e->w) - size_at;
    if (size > INT32_MAX) {
        return bx_invalid_document(e, BX_TOO_LARGE);
    }
    bx_patch_u32(&e->w, size_at, (uint32_t)size);
    return 0;
}

/* ---- dates ---- */

int bx_encode_datetime(bx_encoder *e, PyObject *value)
{
    int64_t millis;

    e->foreign++; /* a tzinfo */
    if (bx_datetime_to_millis(e->st, value, &millis) < 0) return -1;
    if (bx_writer_reserve(&e->w, 8) < 0) return -1;
    bx_put_u64(&e->w, (uint64_t)millis);
    return 0;
}

/* ---- regular expressions ---- */

/* A C string without NUL. */
static int put_cstring(bx_encoder *e, const char *data, Py_ssize_t size)
{
    if (memchr(data, 0, (size_t)size) != NULL) {
        return bx_invalid_document(e, "regex patterns must not contain the NULL byte");
    }
    if (bx_writer_reserve(&e->w, (size_t)size + 1) < 0) return -1;
    bx_put_bytes(&e->w, data, (size_t)size);
    bx_put_u8(&e->w, 0);
    return 0;
}

static int put_bytes_pattern(bx_encoder *e, PyObject *pattern)
{
    const char *data = PyBytes_AS_STRING(pattern);
    Py_ssize_t size = PyBytes_GET_SIZE(pattern);
    PyObject *text;

    if (memchr(data, 0, (size_t)size) == NULL) {
        text = PyUnicode_DecodeUTF8(data, size, NULL);
        if (text == NULL) {
            if (!PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) return -1;
            PyErr_Clear();
            return invalid_text(e, "regex patterns must be valid UTF-8");
        }
        Py_DECREF(text);
    }
    return put_cstring(e, data, size);
}

static int put_pattern(bx_encoder *e, PyObject *pattern)
{
    const char *data;
    Py_ssize_t size;

    if (PyBytes_Check(pattern)) return put_bytes_pattern(e, pattern);
    if (!PyUnicode_Check(pattern)) {
        PyErr_Format(PyExc_TypeError, "expected bytes, %.200s found",
                     Py_TYPE(pattern)->tp_name);
        return -1;
    }
    data = PyUnicode_AsUTF8AndSize(pattern, &size);
    return data == NULL ? -1 : put_cstring(e, data, size);
}

static int put_options(bx_encoder *e, long flags)
{
    if (bx_writer_reserve(&e->w, BX_REGEX_LETTER_COUNT + 1) < 0) return -1;
    e->w.p = bx_regex_write_letters(e->w.p, flags);
    bx_put_u8(&e->w, 0);
    return 0;
}

int bx_encode_regex(bx_encoder *e, PyObject *value)
{
    bx_regex *own = Py_IS_TYPE(value, e->st->Regex) ? (bx_regex *)value : NULL;
    PyObject *pattern = own ? bx_stored(value, &own->pattern, "pattern")
                            : PyObject_GetAttr(value, e->st->s_pattern);
    PyObject *flags = NULL;
    long bits = 0;
    int status = -1;

    if (pattern != NULL) {
        flags = own ? bx_stored(value, &own->flags, "flags")
                    : PyObject_GetAttr(value, e->st->s_flags);
    }
    if (flags != NULL) {
        bits = PyLong_AsLong(flags);
        if (bits != -1 || !PyErr_Occurred()) {
            status = put_pattern(e, pattern);
            if (status == 0) status = put_options(e, bits);
        }
    }
    Py_XDECREF(pattern);
    Py_XDECREF(flags);
    return status;
}

/* ---- DBRef and raw documents ---- */

int bx_encode_as_doc(bx_encoder *e, PyObject *value)
{
    PyObject *document = PyObject_CallMethodNoArgs(value, e->st->s_as_doc);
    int status;

    if (document == NULL) return -1;
    status = encode_subdocument(e, document);
    Py_DECREF(document);
    return status;
}

static int put_document(bx_encoder *e, const uint8_t *data, Py_ssize_t size)
{
    if (size < 5 || bx_load32(data) != (uint64_t)size || data[size - 1] != 0) {
        PyErr_SetString(e->st->InvalidBSON, "not a whole BSON document");
        return -1;
    }
    if (bx_writer_reserve(&e->w, (size_t)size) < 0) return -1;
    bx_put_bytes(&e->w, data, (size_t)size);
    return 0;
}

/* Any object with the attribute `raw`. */
static int encode_foreign_raw(bx_encoder *e, PyObject *value)
{
    PyObject *raw = PyObject_GetAttr(value, e->st->s_raw);
    Py_buffer view;
    int status = -1;

    if (raw == NULL) return -1;
    if (PyObject_GetBuffer(raw, &view, PyBUF_SIMPLE) == 0) {
        status = put_document(e, view.buf, view.len);
        PyBuffer_Release(&view);
    }
    Py_DECREF(raw);
    return status;
}

int bx_encode_raw(bx_encoder *e, PyObject *value)
{
    bx_span at;
    int status = bx_raw_bytes(e->st, value, &at);

    if (status == 0) return encode_foreign_raw(e, value);
    if (status > 0) {
        status = put_document(e, at.start, at.size);
        Py_DECREF(at.owner);
    }
    return status;
}
