/* Type wrappers of extended JSON in the forms that programs write (the "Conversion table" of the
 * specification, and the legacy forms). Everything else about them (other forms, errors) is left to
 * the pure implementation, which sees the object as a document. */
#include "core/datetime_bson.h"
#include "core/encode.h"
#include "core/regex_options.h"
#include "core/utf8.h"
#include "json/decode.h"
#include "json/iso_date.h"
#include "json/number.h"
#include "json/text.h"
#include "types/types.h"

/* A new value as the result of a reader. */
static int found(PyObject *object, PyObject **value)
{
    *value = object;
    return object == NULL ? -1 : 1;
}

/* ---- numbers and text ---- */

static int read_object_id(bx_json_decoder *d, PyObject **value)
{
    bx_json_span span;
    uint8_t bytes[12];

    if (!bx_last_span(&d->at, &span) || span.size != 24 || !bx_hex_read(bytes, span.text, 12)) return 0;
    return found(bx_objectid_new(d->st, bytes), value);
}

static int read_int(bx_json_decoder *d, PyObject **value)
{
    bx_json_span span;
    int64_t number;

    if (!bx_last_span(&d->at, &span) || !bx_span_as_int(span, &number)) return 0;
    if (d->strict && number != (int32_t)number) return 0;
    return found(PyLong_FromLongLong(number), value);
}

static int read_int64(bx_json_decoder *d, PyObject **value)
{
    bx_json_span span;
    int64_t number;

    if (!bx_last_span(&d->at, &span) || !bx_span_as_int(span, &number)) return 0;
    return found(bx_int64_new(d->st, number), value);
}

static int read_double(bx_json_decoder *d, PyObject **value)
{
    bx_json_span span;
    double number;
    int status = 1;

    if (!bx_last_span(&d->at, &span)) return 0;
    if (bx_span_is(span, "NaN")) {
        number = Py_NAN;
    } else if (bx_span_is(span, "Infinity")) {
        number = Py_HUGE_VAL;
    } else if (bx_span_is(span, "-Infinity")) {
        number = -Py_HUGE_VAL;
    } else {
        status = bx_json_span_as_double(d, span, &number);
    }
    return status <= 0 ? status : found(PyFloat_FromDouble(number), value);
}

static int read_decimal128(bx_json_decoder *d, PyObject **value)
{
    bx_json_span span;
    PyObject *text, *number;

    if (!bx_last_span(&d->at, &span) || (d->strict && !bx_is_ascii(span.text, span.size))) return 0;
    text = bx_json_text(span.text, span.size);
    if (text == NULL) return -1;
    number = PyObject_CallOneArg((PyObject *)d->st->Decimal128, text);
    Py_DECREF(text);
    if (number == NULL && (PyErr_ExceptionMatches(PyExc_ArithmeticError) ||
                           PyErr_ExceptionMatches(PyExc_ValueError))) {
        PyErr_Clear(); /* the pure implementation has the words */
        return 0;
    }
    return found(number, value);
}

/* A string that may have escapes, and the closing brace: 1, 0 no such thing, -1 with an exception. */
static int last_string(bx_json_decoder *d, PyObject **text)
{
    *text = bx_json_read_string(d);
    if (*text == NULL) return PyErr_Occurred() ? -1 : 0;
    if (bx_skip_brace(&d->at)) return 1;
    Py_CLEAR(*text);
    return 0;
}

static int read_code(bx_json_decoder *d, PyObject **value)
{
    PyObject *text;
    int status = last_string(d, &text);

    if (status <= 0) return status;
    status = found(bx_code_new(d->st, text, Py_None), value);
    Py_DECREF(text);
    return status;
}

static int read_extreme_key(bx_json_decoder *d, PyTypeObject *type, PyObject **value)
{
    if (*d->p != '1') return 0;
    d->p++;
    if (!bx_skip_brace(&d->at)) return 0;
    return found(PyObject_CallNoArgs((PyObject *)type), value);
}

static int read_timestamp(bx_json_decoder *d, PyObject **value)
{
    int64_t time, inc;

    if (!bx_skip_byte(&d->at, '{') || !bx_skip_name(&d->at, "t") || !bx_read_count(&d->at, &time)) return 0;
    if (!bx_skip_byte(&d->at, ',') || !bx_skip_name(&d->at, "i") || !bx_read_count(&d->at, &inc)) return 0;
    if (!bx_skip_brace(&d->at) || !bx_skip_brace(&d->at) || time > UINT32_MAX || inc > UINT32_MAX) return 0;
    return found(bx_timestamp_new(d->st, (uint32_t)time, (uint32_t)inc), value);
}

/* ---- binary data ---- */

static int make_uuid(bx_json_decoder *d, const uint8_t *data, Py_ssize_t size, int subtype,
                     PyObject **value)
{
    uint8_t bytes[16];

    if (size != 16) return 0;
    memcpy(bytes, data, 16);
    if (subtype == 3) bx_uuid_reorder(bytes, d->options->uuid_representation);
    return found(bx_uuid_new(d->st, bytes), value);
}

static int make_binary(bx_json_decoder *d, bx_json_span base64, int subtype, PyObject **value)
{
    uint8_t buffer[1024];
    uint8_t *data = buffer;
    Py_ssize_t size;
    int status = 0;

    if (base64.size > sizeof buffer) {
        data = PyMem_Malloc(base64.size);
        if (data == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    size = bx_base64_read(data, base64.text, base64.size);
    if (size >= 0) {
        if (subtype == 0) {
            status = found(PyBytes_FromStringAndSize((const char *)data, size), value);
        } else if ((subtype == 3 || subtype == 4) &&
                   d->options->uuid_representation != BX_UUID_UNSPECIFIED) {
            status = make_uuid(d, data, size, subtype, value);
        } else {
            status = found(bx_binary_new(d->st, data, size, subtype), value);
        }
    }
    if (data != buffer) PyMem_Free(data);
    return status;
}

static int read_binary(bx_json_decoder *d, PyObject **value)
{
    bx_json_span base64, hex;
    int subtype;

    if (*d->p == '{') {
        if (!bx_skip_byte(&d->at, '{') || !bx_skip_name(&d->at, "base64") || !bx_read_span(&d->at, &base64) ||
            !bx_skip_byte(&d->at, ',') || !bx_skip_name(&d->at, "subType") || !bx_last_span(&d->at, &hex) || !bx_skip_brace(&d->at)) {
            return 0;
        }
    } else if (!bx_read_span(&d->at, &base64) || !bx_skip_byte(&d->at, ',') || !bx_skip_name(&d->at, "$type") ||
               !bx_last_span(&d->at, &hex)) {
        return 0;
    }
    subtype = bx_read_subtype(hex);
    return subtype < 0 ? 0 : make_binary(d, base64, subtype, value);
}

/* ---- regular expressions ---- */

/* Whether these are letters of options, each at most once. */
static bool all_flags(bx_json_span span)
{
    long flags = 0;

    for (size_t i = 0; i < span.size; i++) {
        long flag = bx_regex_flag(span.text[i]);

        if (flag == 0 || (flags & flag) != 0) return false;
        flags |= flag;
    }
    return true;
}

/* With options the pure implementation makes the flags: they are an enumeration, as in PyMongo. */
static int make_regex(bx_json_decoder *d, PyObject *pattern, bx_json_span options,
                      PyObject **value)
{
    PyObject *text, *flags;

    if (options.size == 0) return found(bx_regex_new(d->st, pattern, 0), value);
    if (d->strict && !all_flags(options)) return 0;
    text = bx_json_text(options.text, options.size);
    flags = text == NULL ? NULL : PyObject_CallOneArg(d->j->regex_flags, text);
    *value = NULL;
    if (flags != NULL) {
        PyObject *const args[2] = {pattern, flags};

        *value = PyObject_Vectorcall((PyObject *)d->st->Regex, args, 2, NULL);
    }
    Py_XDECREF(text);
    Py_XDECREF(flags);
    return *value == NULL ? -1 : 1;
}

/* Behind the colon of `pattern_name`: pattern, options and the end of the inner object. */
static int read_regex_parts(bx_json_decoder *d, const char *options_name, bool nested,
                            PyObject **value)
{
    PyObject *pattern = bx_json_read_string(d);
    bx_json_span options;
    int status = 0;

    if (pattern == NULL) return PyErr_Occurred() ? -1 : 0;
    if (bx_skip_byte(&d->at, ',') && bx_skip_name(&d->at, options_name) && bx_last_span(&d->at, &options) &&
        (!nested || bx_skip_brace(&d->at))) {
        status = make_regex(d, pattern, options, value);
    }
    Py_DECREF(pattern);
    return status;
}

static int read_regular_expression(bx_json_decoder *d, PyObject **value)
{
    if (!bx_skip_byte(&d->at, '{') || !bx_skip_name(&d->at, "pattern")) return 0;
    return read_regex_parts(d, "options", true, value);
}

/* ---- dates ---- */

static int make_date(bx_json_decoder *d, int64_t millis, PyObject **value)
{
    const bx_options *options = d->options;
    bool in_range = millis >= BX_MIN_MILLIS && millis <= BX_MAX_MILLIS;

    if (options->datetime_conversion == BX_DATETIME_OBJECT) {
        /* The error's text, and zones in which the date is out of range. */
        if (!in_range || (options->tzinfo != NULL && options->tzinfo != d->st->utc)) return 0;
        if (options->tzinfo != NULL) return found(bx_datetime_utc(d->st, millis), value);
    } else if (options->datetime_conversion < BX_DATETIME_OBJECT ||
               options->datetime_conversion > BX_DATETIME_AUTO) {
        return 0;
    }
    return found(bx_datetime_from_millis(d->st, options, millis), value);
}

static int read_iso_date(bx_json_decoder *d, bx_json_span span, PyObject **value)
{
    bx_state *st = d->st;
    const bx_options *options = d->options;
    PyObject *zone = options->tz_aware ? st->utc : Py_None;
    bx_iso_date f;
    int64_t millis;
    int status;

    if (!bx_iso_date_read(span, &f) || f.offset != 0 ||
        (options->tzinfo != NULL && options->tzinfo != st->utc)) {
        return 0;
    }
    status = found(st->datetime->DateTime_FromDateAndTime(f.year, f.month, f.day, f.hour, f.minute,
                                                          f.second, f.micros, zone,
                                                          st->datetime->DateTimeType),
                   value);
    if (status < 0 || options->datetime_conversion != BX_DATETIME_MS) return status;
    status = bx_datetime_to_millis(st, *value, &millis);
    Py_CLEAR(*value);
    return status < 0 ? -1 : found(bx_datetime_ms_new(st, millis), value);
}

static int read_date(bx_json_decoder *d, PyObject **value)
{
    bx_json_span span;
    int64_t millis;
    bool negative;

    if (*d->p == '"') return bx_last_span(&d->at, &span) ? read_iso_date(d, span, value) : 0;
    if (*d->p == '{') {
        if (!bx_skip_byte(&d->at, '{') || !bx_skip_name(&d->at, "$numberLong") || !bx_last_span(&d->at, &span) ||
            !bx_skip_brace(&d->at) || !bx_span_as_int(span, &millis)) {
            return 0;
        }
        return make_date(d, millis, value);
    }
    negative = *d->p == '-';
    d->p += negative;
    if (!bx_read_count(&d->at, &millis) || !bx_skip_brace(&d->at)) return 0;
    return make_date(d, negative ? -millis : millis, value);
}

/* ---- which wrapper ---- */

static int read_by_name(bx_json_decoder *d, bx_json_span name, PyObject **value)
{
    switch (name.size) {
    case 4:
        if (bx_span_is(name, "$oid")) return read_object_id(d, value);
        break;
    case 5:
        if (bx_span_is(name, "$date")) return read_date(d, value);
        if (bx_span_is(name, "$code")) return read_code(d, value);
        break;
    case 6:
        if (bx_span_is(name, "$regex")) return read_regex_parts(d, "$options", false, value);
        break;
    case 7:
        if (bx_span_is(name, "$binary")) return read_binary(d, value);
        if (bx_span_is(name, "$symbol")) return last_string(d, value);
        if (bx_span_is(name, "$minKey")) return read_extreme_key(d, d->st->MinKey, value);
        if (bx_span_is(name, "$maxKey")) return read_extreme_key(d, d->st->MaxKey, value);
        break;
    case 10:
        if (bx_span_is(name, "$numberInt")) return read_int(d, value);
        if (bx_span_is(name, "$timestamp")) return read_timestamp(d, value);
        break;
    case 11:
        if (bx_span_is(name, "$numberLong")) return read_int64(d, value);
        break;
    case 13:
        if (bx_span_is(name, "$numberDouble")) return read_double(d, value);
        break;
    case 14:
        if (bx_span_is(name, "$numberDecimal")) return read_decimal128(d, value);
        break;
    case 18:
        if (bx_span_is(name, "$regularExpression")) return read_regular_expression(d, value);
        break;
    default: break;
    }
    return 0;
}

int bx_json_read_wrapper(bx_json_decoder *d, PyObject **value)
{
    const uint8_t *start = d->p;
    bx_json_span name;
    int status = 0;

    if (bx_read_span(&d->at, &name) && name.size <= 18 && bx_skip_byte(&d->at, ':')) {
        status = read_by_name(d, name, value);
    }
    if (status == 0) d->p = start;
    return status;
}

/* ---- documents that are wrappers after all ---- */

/* {"$code": text, "$scope": document}: 1, 0 something else, -1 with an exception. */
static int code_with_scope(bx_json_decoder *d, PyObject *document, PyObject **value)
{
    PyObject *text = NULL, *scope = NULL;
    int status = bx_dict_get(document, d->j->s_dollar_code, &text);

    if (status > 0) status = bx_dict_get(document, d->j->s_dollar_scope, &scope);
    if (status > 0) {
        bool usual = PyUnicode_CheckExact(text) && PyDict_CheckExact(scope);

        status = usual ? found(bx_code_new(d->st, text, scope), value) : 0;
    }
    Py_XDECREF(text);
    Py_XDECREF(scope);
    return status;
}

/* A reference without other fields: 1, 0 something else, -1 with an exception. */
static int reference(bx_json_decoder *d, PyObject *document, PyObject **value)
{
    PyObject *parts[3] = {NULL, NULL, NULL};
    Py_ssize_t size = PyDict_GET_SIZE(document);
    int status = bx_dict_get(document, d->st->s_dollar_ref, &parts[0]);

    if (status > 0) status = bx_dict_get(document, d->st->s_dollar_id, &parts[1]);
    if (status > 0 && size == 3) status = bx_dict_get(document, d->st->s_dollar_db, &parts[2]);
    if (status > 0) {
        bool usual = PyUnicode_CheckExact(parts[0]) &&
                     (size == 2 || PyUnicode_CheckExact(parts[2]));

        status = usual ? found(PyObject_Vectorcall((PyObject *)d->st->DBRef, parts, (size_t)size,
                                                   NULL),
                               value)
                       : 0;
    }
    for (int i = 0; i < 3; i++) Py_XDECREF(parts[i]);
    return status;
}

static int read_document_wrapper(bx_json_decoder *d, PyObject *document, PyObject **value)
{
    Py_ssize_t size;
    int status = 0;

    if (!PyDict_CheckExact(document)) return 0;
    size = PyDict_GET_SIZE(document);
    if (size == 2) status = code_with_scope(d, document, value);
    if (status == 0 && (size == 2 || size == 3)) status = reference(d, document, value);
    return status;
}

PyObject *bx_json_apply_hook(bx_json_decoder *d, PyObject *document)
{
    PyObject *const args[2] = {document, d->json_options};
    PyObject *hook = d->strict ? d->j->object_hook_strict : d->j->object_hook;
    PyObject *value = NULL;
    int status = d->strict ? 0 : read_document_wrapper(d, document, &value);

    if (status == 0) value = PyObject_Vectorcall(hook, args, 2, NULL);
    Py_DECREF(document);
    return value;
}
