/* The dispatch of the encoder by exact type: a function of encode_values.c or encode_containers.c
 * for each type that BSON knows. */
#include "core/encode.h"

#include "typed/encode.h"
#include "types/storage.h"
#include "types/types.h"

/* 0 and -1 of an encode function as 1 (done) and -1. */
BX_INLINE int done(int status)
{
    return status < 0 ? -1 : 1;
}

/* An instance of Code itself keeps its scope in a field, which spares the property's call. */
static int encode_exact_code(bx_encoder *e, size_t at, PyObject *value)
{
    PyObject *scope = bx_stored(value, &((bx_code *)value)->scope, "_Code__scope");
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
    int status = 0;

    if (Py_TYPE(value) == e->instance_type) status = bx_encode_same_instance(e, at, value);
    if (status == 0) status = bx_encode_known(e, at, value);

    return status != 0 ? status : bx_encode_other(e, at, value);
}
