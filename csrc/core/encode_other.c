/* The slow path of the encoder: foreign types by their `_type_marker`, subclasses, mappings, the
 * type registry. */
#include "core/encode.h"
#include "typed/encode.h"
#include "typed/profile.h"
#include "types/types.h"

/* ---- markers ---- */

int bx_read_marker(bx_encoder *e, PyObject *value, long *marker)
{
    PyObject *object;
    int found;

    *marker = 0;
    if (PyType_Check(value)) return 0;
    found = bx_getattr_optional(value, e->st->s_type_marker, &object);
    if (found < 0) {
        if (!PyErr_ExceptionMatches(PyExc_Exception)) return -1;
        PyErr_Clear();
        return 0;
    }
    if (found == 0) return 0;
    if (PyLong_CheckExact(object)) {
        *marker = PyLong_AsLong(object);
        if (*marker == -1) PyErr_Clear();
    }
    Py_DECREF(object);
    return 0;
}

/* A bytes attribute of exactly `size` bytes, appended. */
static int put_bytes_attribute(bx_encoder *e, PyObject *value, PyObject *name, Py_ssize_t size)
{
    PyObject *data = PyObject_GetAttr(value, name);
    int status = -1;

    if (data == NULL) return -1;
    if (!PyBytes_Check(data) || PyBytes_GET_SIZE(data) != size) {
        PyErr_Format(PyExc_TypeError, "%.200s.%U must be %zd bytes", Py_TYPE(value)->tp_name,
                     name, size);
    } else if (bx_writer_reserve(&e->w, (size_t)size) == 0) {
        bx_put_bytes(&e->w, PyBytes_AS_STRING(data), (size_t)size);
        status = 0;
    }
    Py_DECREF(data);
    return status;
}

static int read_u32_attribute(PyObject *value, PyObject *name, uint32_t *out)
{
    PyObject *number = PyObject_GetAttr(value, name);
    unsigned long long wide;

    if (number == NULL) return -1;
    wide = PyLong_AsUnsignedLongLong(number);
    Py_DECREF(number);
    if (wide == (unsigned long long)-1 && PyErr_Occurred()) return -1;
    if (wide > UINT32_MAX) {
        PyErr_SetString(PyExc_OverflowError, "Python int too large to convert to 32 bits");
        return -1;
    }
    *out = (uint32_t)wide;
    return 0;
}

static int encode_foreign_timestamp(bx_encoder *e, PyObject *value)
{
    uint32_t time, inc;

    if (read_u32_attribute(value, e->st->s_inc, &inc) < 0 ||
        read_u32_attribute(value, e->st->s_time, &time) < 0 ||
        bx_writer_reserve(&e->w, 8) < 0) {
        return -1;
    }
    bx_put_u32(&e->w, inc);
    bx_put_u32(&e->w, time);
    return 0;
}

static int encode_foreign_int(bx_encoder *e, size_t at, PyObject *value)
{
    PyObject *number = PyNumber_Long(value);
    int status;

    if (number == NULL) return -1;
    status = bx_encode_int(e, at, number, true);
    Py_DECREF(number);
    return status;
}

static int encode_foreign_code(bx_encoder *e, size_t at, PyObject *value)
{
    PyObject *scope = PyObject_GetAttr(value, e->st->s_scope);
    int status;

    if (scope == NULL) return -1;
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "expected str, %.200s found", Py_TYPE(value)->tp_name);
        status = -1;
    } else {
        status = bx_encode_code(e, at, value, scope);
    }
    Py_DECREF(scope);
    return status;
}

/* Encode by marker: 1 done, 0 the marker says nothing to us, -1 error. */
static int encode_marked(bx_encoder *e, size_t at, PyObject *value, long marker)
{
    bx_state *st = e->st;
    int status;

    switch (marker) {
    case BX_MARK_BINARY:
        bx_set_type(e, at, BX_BINARY);
        status = bx_encode_binary(e, value);
        break;
    case BX_MARK_OBJECTID:
        bx_set_type(e, at, BX_OBJECTID);
        status = put_bytes_attribute(e, value, st->s_binary, 12);
        break;
    case BX_MARK_DATETIME:
        status = encode_foreign_int(e, at, value);
        bx_set_type(e, at, BX_DATETIME);
        break;
    case BX_MARK_REGEX:
        bx_set_type(e, at, BX_REGEX);
        status = bx_encode_regex(e, value);
        break;
    case BX_MARK_CODE:
        status = encode_foreign_code(e, at, value);
        break;
    case BX_MARK_TIMESTAMP:
        bx_set_type(e, at, BX_TIMESTAMP);
        status = encode_foreign_timestamp(e, value);
        break;
    case BX_MARK_INT64:
        if (!PyLong_Check(value)) return 0;
        status = bx_encode_int(e, at, value, true);
        break;
    case BX_MARK_DECIMAL128:
        bx_set_type(e, at, BX_DECIMAL128);
        status = put_bytes_attribute(e, value, st->s_bid, 16);
        break;
    case BX_MARK_DBREF:
        bx_set_type(e, at, BX_DOCUMENT);
        status = bx_encode_as_doc(e, value);
        break;
    case BX_MARK_RAW:
        bx_set_type(e, at, BX_DOCUMENT);
        status = bx_encode_raw(e, value);
        break;
    case BX_MARK_MAXKEY:
        bx_set_type(e, at, BX_MAXKEY);
        return 1;
    case BX_MARK_MINKEY:
        bx_set_type(e, at, BX_MINKEY);
        return 1;
    default:
        return 0;
    }
    return status < 0 ? -1 : 1;
}

/* ---- subclasses ---- */

int bx_encode_dict_subclass(bx_encoder *e, PyObject *value, bool top)
{
    return PyODict_Check(value) ? bx_encode_mapping(e, value, top)
                                : bx_encode_dict(e, value, top);
}

/* No moment (NaT) is null where the profile says so. */
static int encode_datetime_subclass(bx_encoder *e, size_t at, PyObject *value)
{
    int is_nat = e->extended ? bx_is_nat(value) : 0;

    bx_set_type(e, at, is_nat > 0 ? BX_NULL : BX_DATETIME);
    return is_nat != 0 ? (is_nat < 0 ? -1 : 0) : bx_encode_datetime(e, value);
}

/* As encode_marked, for subclasses of what the exact dispatch knows, and for mappings. */
static int encode_subclass(bx_encoder *e, size_t at, PyObject *value)
{
    bx_state *st = e->st;
    int status;

    if (PyDict_Check(value)) {
        bx_set_type(e, at, BX_DOCUMENT);
        status = bx_encode_dict_subclass(e, value, false);
    } else if (PyUnicode_Check(value)) {
        bx_set_type(e, at, BX_STRING);
        status = bx_encode_text(e, value);
    } else if (PyLong_Check(value)) {
        status = bx_encode_int(e, at, value, false);
    } else if (PyFloat_Check(value)) {
        bx_set_type(e, at, BX_DOUBLE);
        status = bx_writer_reserve(&e->w, 8);
        if (status == 0) {
            bx_store_double(e->w.p, PyFloat_AS_DOUBLE(value));
            e->w.p += 8;
        }
    } else if (PyList_Check(value)) {
        bx_set_type(e, at, BX_ARRAY);
        status = bx_encode_list(e, value);
    } else if (PyTuple_Check(value)) {
        bx_set_type(e, at, BX_ARRAY);
        status = bx_encode_tuple(e, value);
    } else if (PyBytes_Check(value)) {
        bx_set_type(e, at, BX_BINARY);
        status = bx_encode_bytes(e, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), 0);
    } else if (PyObject_TypeCheck(value, st->datetime->DateTimeType)) {
        status = encode_datetime_subclass(e, at, value);
    } else if (PyObject_TypeCheck(value, st->UUID)) {
        bx_set_type(e, at, BX_BINARY);
        status = bx_encode_uuid(e, value);
    } else {
        int is_mapping = PyObject_IsInstance(value, (PyObject *)st->Mapping);

        if (is_mapping <= 0) return is_mapping;
        bx_set_type(e, at, BX_DOCUMENT);
        status = bx_encode_mapping(e, value, false);
    }
    return status < 0 ? -1 : 1;
}

/* ---- the type registry ---- */

/* What the converter returns is not converted by it again, so that this nests no deeper than the
 * containers do. */
static int call_and_encode(bx_encoder *e, size_t at, PyObject *function, PyObject *value,
                           bx_origin from)
{
    PyObject *replaced = PyObject_CallOneArg(function, value);
    int status;

    if (replaced == NULL) return -1;
    status = bx_encode_from(e, at, replaced, from);
    Py_DECREF(replaced);
    return status;
}

/* As encode_marked, by the type encoder of the value's exact type. */
static int encode_registered(bx_encoder *e, size_t at, PyObject *value, bx_origin from)
{
    PyObject *function;
    int status = bx_dict_get(e->options->encoders, (PyObject *)Py_TYPE(value), &function);

    if (status <= 0) return status;
    status = call_and_encode(e, at, function, value, from | BX_FROM_ENCODER);
    Py_DECREF(function);
    return status < 0 ? -1 : 1;
}

static BX_COLD int cannot_encode(bx_encoder *e, PyObject *value)
{
    return bx_invalid_document(e, "cannot encode object: %R, of type: %R", value,
                               (PyObject *)Py_TYPE(value));
}

static int encode_unknown(bx_encoder *e, size_t at, PyObject *value, bx_origin from)
{
    const bx_options *options = e->options;
    long marker;
    int status;

    if (options->encoders == NULL && (options->fallback == NULL || e->extended) &&
        (status = bx_encode_known_instance(e, at, value, false)) != 0) {
        return status;
    }
    if (bx_read_marker(e, value, &marker) < 0) return -1;
    if (marker != 0 && (status = encode_marked(e, at, value, marker)) != 0) return status;
    if (options->encoders != NULL && !(from & BX_FROM_ENCODER) &&
        (status = encode_registered(e, at, value, from)) != 0) {
        return status;
    }
    status = encode_subclass(e, at, value);
    if (status > 0) return 0;
    if (status < 0) {
        /* A fallback encoder also gets the ints that are too large. */
        if (options->fallback == NULL || from != BX_FROM_PLAIN || !PyLong_Check(value) ||
            !PyErr_ExceptionMatches(PyExc_OverflowError)) {
            return -1;
        }
        PyErr_Clear();
    }
    if (e->extended && (status = bx_encode_extended(e, at, value, from)) != 0) {
        return status;
    }
    if (options->fallback != NULL && !(from & BX_FROM_FALLBACK)) {
        return call_and_encode(e, at, options->fallback, value, from | BX_FROM_FALLBACK);
    }
    if (!e->extended && (status = bx_encode_instance(e, at, value)) != 0) return status;
    return cannot_encode(e, value);
}

/* Encode a transformed value: it may be of any type, the simple ones included. */
int bx_encode_from(bx_encoder *e, size_t at, PyObject *value, bx_origin from)
{
    int status;

    if (bx_writer_reserve(&e->w, 16) < 0) return -1;
    if (value == Py_None) {
        bx_set_type(e, at, BX_NULL);
        return 0;
    }
    if (PyBool_Check(value)) {
        bx_set_type(e, at, BX_BOOL);
        bx_put_u8(&e->w, value == Py_True);
        return 0;
    }
    status = bx_encode_known(e, at, value);
    if (status == 0) status = encode_unknown(e, at, value, from);
    return status < 0 ? -1 : 0;
}

int bx_encode_other(bx_encoder *e, size_t at, PyObject *value)
{
    e->foreign++;
    return encode_unknown(e, at, value, BX_FROM_PLAIN);
}
