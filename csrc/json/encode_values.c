/* Extended JSON text of the values that BSON has and JSON has not, in the usual layout: the rows of
 * the extended JSON specification's "Conversion table". */
#include "core/datetime_bson.h"
#include "core/encode.h"
#include "core/hex.h"
#include "core/pylong.h"
#include "core/regex_options.h"
#include "json/encode.h"
#include "types/types.h"

static int done(int status)
{
    return status < 0 ? -1 : 1;
}

/* ---- dates ---- */

static int put_millis(bx_json_encoder *e, int64_t millis)
{
    bool wrapped = e->dates != BX_JSON_DATE_LEGACY;
    int status = wrapped ? BX_JSON_PUT(e, "{\"$date\": {\"$numberLong\": \"")
                         : BX_JSON_PUT(e, "{\"$date\": ");

    if (status < 0 || bx_writer_reserve(&e->w, 24) < 0) return -1;
    e->w.p = bx_json_write_int(e->w.p, millis);
    return wrapped ? BX_JSON_PUT(e, "\"}}") : BX_JSON_PUT(e, "}");
}

/* A datetime in UTC from 1970 on, to the millisecond (row "Datetime", relaxed). */
static int put_iso(bx_json_encoder *e, PyObject *value)
{
    unsigned millis = (unsigned)PyDateTime_DATE_GET_MICROSECOND(value) / 1000;
    uint8_t *p;

    if (bx_writer_reserve(&e->w, 48) < 0) return -1;
    p = e->w.p;
    memcpy(p, "{\"$date\": \"", 11);
    p = bx_json_write_digits4(p + 11, (unsigned)PyDateTime_GET_YEAR(value));
    *p++ = '-';
    p = bx_json_write_digits2(p, (unsigned)PyDateTime_GET_MONTH(value));
    *p++ = '-';
    p = bx_json_write_digits2(p, (unsigned)PyDateTime_GET_DAY(value));
    *p++ = 'T';
    p = bx_json_write_digits2(p, (unsigned)PyDateTime_DATE_GET_HOUR(value));
    *p++ = ':';
    p = bx_json_write_digits2(p, (unsigned)PyDateTime_DATE_GET_MINUTE(value));
    *p++ = ':';
    p = bx_json_write_digits2(p, (unsigned)PyDateTime_DATE_GET_SECOND(value));
    if (millis != 0) {
        *p++ = '.';
        p = bx_json_write_digits3(p, millis);
    }
    memcpy(p, "Z\"}", 3);
    e->w.p = p + 3;
    return 0;
}

/* 0: the zone needs Python's own formatting. */
static int put_datetime(bx_json_encoder *e, PyObject *value)
{
    PyObject *zone = PyDateTime_DATE_GET_TZINFO(value);
    int64_t millis;

    if (e->dates == BX_JSON_DATE_ISO8601) {
        if (zone != Py_None && zone != e->st->utc && zone != e->st->datetime->TimeZone_UTC) {
            return 0;
        }
        if (PyDateTime_GET_YEAR(value) >= 1970) return done(put_iso(e, value));
    }
    if (bx_datetime_to_millis(e->st, value, &millis) < 0) return -1;
    return done(put_millis(e, millis));
}

static int put_datetime_ms(bx_json_encoder *e, int64_t millis)
{
    PyObject *utc;
    int status;

    if (e->dates != BX_JSON_DATE_ISO8601 || millis < 0 || millis > BX_MAX_MILLIS) {
        return put_millis(e, millis);
    }
    utc = bx_datetime_utc(e->st, millis);
    if (utc == NULL) return -1;
    status = put_iso(e, utc);
    Py_DECREF(utc);
    return status;
}

/* ---- binary data ---- */

/* Row "Binary", or the form before it. */
static int put_binary(bx_json_encoder *e, const uint8_t *data, Py_ssize_t size, unsigned subtype)
{
    bool legacy = e->mode == BX_JSON_LEGACY;
    uint8_t kind = (uint8_t)subtype;
    int status = legacy ? BX_JSON_PUT(e, "{\"$binary\": \"")
                        : BX_JSON_PUT(e, "{\"$binary\": {\"base64\": \"");

    if (status < 0) return -1;
    if (bx_writer_reserve(&e->w, ((size_t)size + 2) / 3 * 4) < 0) return -1;
    e->w.p = bx_base64_write(e->w.p, data, (size_t)size);
    status = legacy ? BX_JSON_PUT(e, "\", \"$type\": \"") : BX_JSON_PUT(e, "\", \"subType\": \"");
    if (status < 0 || bx_writer_reserve(&e->w, 2) < 0) return -1;
    e->w.p = bx_hex_write(e->w.p, &kind, 1);
    return legacy ? BX_JSON_PUT(e, "\"}") : BX_JSON_PUT(e, "\"}}");
}

/* 0: a subtype that the pure implementation shall judge. */
static int put_binary_object(bx_json_encoder *e, PyObject *value)
{
    PyObject *object = PyObject_GetAttr(value, e->st->s_subtype);
    int64_t subtype = 0;
    bool known;

    if (object == NULL) return -1;
    known = PyLong_Check(object) && bx_long_as_int64(object, &subtype) && subtype >= 0 &&
            subtype <= 255;
    Py_DECREF(object);
    if (!known) return 0;
    return done(put_binary(e, (const uint8_t *)PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value),
                           (unsigned)subtype));
}

int bx_json_read_truth(PyObject *object, PyObject *name)
{
    PyObject *value = PyObject_GetAttr(object, name);
    int truth = value == NULL ? -1 : PyObject_IsTrue(value);

    Py_XDECREF(value);
    return truth;
}

/* The representation that the options name; 0 if it is none that can be written. */
static int uuid_representation(bx_json_encoder *e)
{
    PyObject *value = PyObject_GetAttr(e->options, e->j->s_uuid_representation);
    int64_t number = 0;
    bool known;

    if (value == NULL) return -1;
    known = PyLong_Check(value) && bx_long_as_int64(value, &number) &&
            number >= BX_UUID_PYTHON_LEGACY && number <= BX_UUID_CSHARP_LEGACY;
    Py_DECREF(value);
    return known ? (int)number : 0;
}

static int read_uuid(bx_json_encoder *e, PyObject *value, uint8_t *bytes)
{
    PyObject *number = PyObject_GetAttr(value, e->st->s_int_);
    int status = 0;

    if (number == NULL) return -1;
    if (PyLong_Check(number)) {
        status = bx_long_to_big_endian(number, bytes, 16) < 0 ? -1 : 1;
    }
    Py_DECREF(number);
    return status;
}

/* 0: an error that the pure implementation shall word. */
static int put_uuid(bx_json_encoder *e, PyObject *value)
{
    uint8_t bytes[16];
    int strict = bx_json_read_truth(e->options, e->j->s_strict_uuid);
    int representation = strict > 0 ? uuid_representation(e) : strict;
    int status;

    if (representation < 0) return -1;
    if (strict > 0 && representation == 0) return 0;
    status = read_uuid(e, value, bytes);
    if (status <= 0) return status;
    if (strict > 0) {
        bx_uuid_reorder(bytes, representation);
        return done(put_binary(e, bytes, 16, representation == BX_UUID_STANDARD ? 4 : 3));
    }
    if (bx_writer_reserve(&e->w, 48) < 0) return -1;
    bx_put_bytes(&e->w, "{\"$uuid\": \"", 11);
    e->w.p = bx_hex_write(e->w.p, bytes, 16);
    bx_put_bytes(&e->w, "\"}", 2);
    return 1;
}

/* ---- text ---- */

static int put_decimal128(bx_json_encoder *e, PyObject *value)
{
    PyObject *text = PyObject_Str(value);
    int status;

    if (text == NULL) return -1;
    status = BX_JSON_PUT(e, "{\"$numberDecimal\": ");
    if (status == 0) status = bx_json_put_text(&e->w, text, e->ascii);
    Py_DECREF(text);
    return status < 0 ? -1 : BX_JSON_PUT(e, "}");
}

static int put_code(bx_json_encoder *e, PyObject *value)
{
    PyObject *scope;
    int status;

    if (BX_JSON_PUT(e, "{\"$code\": ") < 0) return -1;
    if (bx_json_put_text(&e->w, value, e->ascii) < 0) return -1;
    scope = PyObject_GetAttr(value, e->st->s_scope);
    if (scope == NULL) return -1;
    status = 0;
    if (scope != Py_None) {
        status = BX_JSON_PUT(e, ", \"$scope\": ");
        if (status == 0) status = bx_json_put_value(e, scope);
    }
    Py_DECREF(scope);
    return status < 0 ? -1 : BX_JSON_PUT(e, "}");
}

static int put_flags(bx_json_encoder *e, int64_t flags)
{
    if (bx_writer_reserve(&e->w, BX_REGEX_LETTER_COUNT) < 0) return -1;
    e->w.p = bx_regex_write_letters(e->w.p, flags);
    return 0;
}

static int put_regex_parts(bx_json_encoder *e, PyObject *pattern, int64_t flags)
{
    bool legacy = e->mode == BX_JSON_LEGACY;
    int status = legacy ? BX_JSON_PUT(e, "{\"$regex\": ")
                        : BX_JSON_PUT(e, "{\"$regularExpression\": {\"pattern\": ");

    if (status < 0 || bx_json_put_text(&e->w, pattern, e->ascii) < 0) return -1;
    status = legacy ? BX_JSON_PUT(e, ", \"$options\": \"") : BX_JSON_PUT(e, ", \"options\": \"");
    if (status < 0 || put_flags(e, flags) < 0) return -1;
    return legacy ? BX_JSON_PUT(e, "\"}") : BX_JSON_PUT(e, "\"}}");
}

/* 0: not a str pattern with small flags. */
static int put_regex(bx_json_encoder *e, PyObject *value)
{
    PyObject *pattern = PyObject_GetAttr(value, e->st->s_pattern);
    PyObject *flags = NULL;
    int64_t bits;
    int status = -1;

    if (pattern != NULL && (flags = PyObject_GetAttr(value, e->st->s_flags)) != NULL) {
        if (PyUnicode_Check(pattern) && PyLong_Check(flags) && bx_long_as_int64(flags, &bits)) {
            status = done(put_regex_parts(e, pattern, bits));
        } else {
            status = 0;
        }
    }
    Py_XDECREF(pattern);
    Py_XDECREF(flags);
    return status;
}

/* ---- the rest ---- */

/* 0: a reference with a field that makes it look like a container. */
static int put_dbref(bx_json_encoder *e, PyObject *value)
{
    PyObject *document = PyObject_CallMethodNoArgs(value, e->st->s_as_doc);
    int odd, status = 0;

    if (document == NULL) return -1;
    if (PyDict_Check(document)) {
        odd = PyDict_Contains(document, e->j->s_items);
        if (odd == 0) odd = PyDict_Contains(document, e->j->s_iter);
        status = odd != 0 ? (odd < 0 ? -1 : 0) : done(bx_json_put_dict(e, document));
    }
    Py_DECREF(document);
    return status;
}

static int put_int64(bx_json_encoder *e, PyObject *value)
{
    int64_t number;

    if (!bx_long_as_int64(value, &number)) return 0;
    if (e->strict_number_long && BX_JSON_PUT(e, "{\"$numberLong\": \"") < 0) return -1;
    if (bx_writer_reserve(&e->w, 24) < 0) return -1;
    e->w.p = bx_json_write_int(e->w.p, number);
    return done(e->strict_number_long ? BX_JSON_PUT(e, "\"}") : 0);
}

static int put_timestamp(bx_json_encoder *e, const bx_timestamp *value)
{
    uint8_t *p;

    if (bx_writer_reserve(&e->w, 64) < 0) return -1;
    p = e->w.p;
    memcpy(p, "{\"$timestamp\": {\"t\": ", 21);
    p = bx_json_write_int(p + 21, value->time);
    memcpy(p, ", \"i\": ", 7);
    p = bx_json_write_int(p + 7, value->inc);
    memcpy(p, "}}", 2);
    e->w.p = p + 2;
    return 0;
}

int bx_json_put_known(bx_json_encoder *e, PyObject *value)
{
    bx_state *st = e->st;
    PyTypeObject *type = Py_TYPE(value);

    if (type == st->datetime->DateTimeType) return put_datetime(e, value);
    if (type == st->Int64) return put_int64(e, value);
    if (type == &PyBytes_Type) {
        return done(put_binary(e, (const uint8_t *)PyBytes_AS_STRING(value),
                               PyBytes_GET_SIZE(value), 0));
    }
    if (type == st->Binary) return put_binary_object(e, value);
    if (type == st->Decimal128) return done(put_decimal128(e, value));
    if (type == st->Timestamp) return done(put_timestamp(e, (const bx_timestamp *)value));
    if (type == st->DatetimeMS) {
        return done(put_datetime_ms(e, ((const bx_datetime_ms *)value)->millis));
    }
    if (type == st->Regex || type == st->Pattern) return put_regex(e, value);
    if (type == st->Code) return done(put_code(e, value));
    if (type == st->UUID) return put_uuid(e, value);
    if (type == st->DBRef) return put_dbref(e, value);
    if (type == st->MinKey) return done(BX_JSON_PUT(e, "{\"$minKey\": 1}"));
    if (type == st->MaxKey) return done(BX_JSON_PUT(e, "{\"$maxKey\": 1}"));
    return 0;
}
