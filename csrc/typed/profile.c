/* What the profile "python" encodes beyond BSON's own types (see bsonx._typed.profile). */
#include "typed/profile.h"

#include "core/datetime_bson.h"
#include "typed/encode.h"
#include "typed/typed.h"
#include "types/types.h"

/* An attribute of a module that is already imported: new reference, or NULL, with an exception only
 * if something went wrong. A module in the middle of its import may not have it yet. */
static PyObject *if_imported(const char *module_name, const char *name)
{
    PyObject *text = PyUnicode_FromString(module_name);
    PyObject *module = text == NULL ? NULL : PyImport_GetModule(text);
    PyObject *found = NULL;

    Py_XDECREF(text);
    if (module == NULL) return NULL;
    text = PyUnicode_FromString(name);
    if (text != NULL) bx_getattr_optional(module, text, &found);
    Py_XDECREF(text);
    Py_DECREF(module);
    return found;
}

/* The class `name` of an imported module, published in *slot (borrowed), or NULL: there can be no
 * instances of a class whose module nobody has imported. */
static PyObject *class_if_imported(PyObject **slot, const char *module_name, const char *name)
{
    if (bx_load_pointer(slot) == NULL) {
        PyObject *found = if_imported(module_name, name);

        if (found == NULL) return NULL;
        bx_publish(slot, found);
    }
    return bx_load_pointer(slot);
}

int bx_is_nat(PyObject *value)
{
    PyObject *nat = if_imported("pandas", "NaT");

    if (nat == NULL) return PyErr_Occurred() ? -1 : 0;
    Py_DECREF(nat);
    return value == nat;
}

/* Whether `value` is an instance of such a class: 1, 0, or -1 with an exception. */
static int is_of(PyObject **slot, const char *module, const char *name, PyObject *value)
{
    PyObject *cls = class_if_imported(slot, module, name);

    if (cls == NULL) return PyErr_Occurred() ? -1 : 0;
    return PyObject_IsInstance(value, cls);
}

/* Milliseconds, rounded down. */
static PyObject *timedelta_millis(bx_state *st, PyObject *value)
{
    bx_timedelta parts;

    if (bx_timedelta_read(st, value, &parts) < 0) return NULL;
    return bx_int64_new(st, parts.days * 86400000 + (int64_t)parts.seconds * 1000 +
                                parts.micros / 1000);
}

static PyObject *midnight(bx_state *st, PyObject *value)
{
    if (!Py_IS_TYPE(value, st->datetime->DateType)) return bx_date_asked(st, value, false);
    return st->datetime->DateTime_FromDateAndTime(
        PyDateTime_GET_YEAR(value), PyDateTime_GET_MONTH(value), PyDateTime_GET_DAY(value), 0, 0,
        0, 0, Py_None, st->datetime->DateTimeType);
}

/* By way of the Python twin: values that occur little, and all errors. NULL with an exception. */
static PyObject *simplified(bx_typed *typed, PyObject *value)
{
    PyErr_Clear();
    return PyObject_CallOneArg(typed->simplified, value);
}

static PyObject *decimal_of(bx_state *st, bx_typed *typed, PyObject *value)
{
    PyObject *decimal = PyObject_CallOneArg((PyObject *)st->Decimal128, value);

    return decimal != NULL ? decimal : simplified(typed, value);
}

/* The number of a numpy scalar; other scalars by way of Python. */
static PyObject *numpy_scalar(bx_typed *typed, PyObject *value)
{
    if (Py_TYPE(value)->tp_as_number != NULL && Py_TYPE(value)->tp_as_number->nb_index != NULL) {
        PyObject *number = PyNumber_Index(value);

        if (number != NULL) return number;
    }
    return simplified(typed, value);
}

/* What to encode instead of `value`: new reference, NotImplemented for what the profile does not
 * know; NULL with an exception. */
static PyObject *simple_value(bx_state *st, bx_typed *typed, PyObject *value)
{
    PyDateTime_CAPI *api = st->datetime;
    int status;

    if (PyAnySet_Check(value)) return PySequence_List(value);
    if (PyObject_TypeCheck(value, api->DateType)) return midnight(st, value);
    if (PyObject_TypeCheck(value, api->DeltaType)) return timedelta_millis(st, value);
    if (PyObject_TypeCheck(value, api->TimeType)) {
        return PyObject_CallMethod(value, "isoformat", NULL);
    }
    status = is_of(&typed->Enum, "enum", "Enum", value);
    if (status > 0) return PyObject_GetAttrString(value, "value");
    if (status == 0) status = is_of(&typed->Decimal, "decimal", "Decimal", value);
    if (status > 0) return decimal_of(st, typed, value);
    if (status == 0) status = is_of(&typed->deque, "collections", "deque", value);
    if (status > 0) return PySequence_List(value);
    if (status == 0) status = is_of(&typed->PurePath, "pathlib", "PurePath", value);
    if (status > 0) return PyObject_Str(value);
    if (status == 0) status = is_of(&typed->numpy_generic, "numpy", "generic", value);
    if (status > 0) return numpy_scalar(typed, value);
    return status < 0 ? NULL : Py_NewRef(Py_NotImplemented);
}

/* A ValueError is about the value: the message names it, as for every other value that cannot be
 * encoded. */
static BX_COLD int refuse(bx_encoder *e, PyObject *value)
{
    PyObject *cause, *error;

    if (!PyErr_ExceptionMatches(PyExc_ValueError)) return -1;
    cause = bx_take_exception();
    bx_invalid_document(e, "cannot encode object: %R, %S", value, cause);
    error = bx_take_exception();
    PyException_SetCause(error, Py_NewRef(cause));
    PyException_SetContext(error, cause); /* takes the reference */
    bx_raise_exception(error);
    return -1;
}

int bx_encode_extended(bx_encoder *e, size_t at, PyObject *value, bx_origin from)
{
    bx_typed *typed = bx_typed_get(e->st);
    PyObject *simple = typed == NULL ? NULL : simple_value(e->st, typed, value);
    int status;

    if (simple == NULL) return typed == NULL ? -1 : refuse(e, value);
    if (simple == Py_NotImplemented) {
        Py_DECREF(simple);
        return bx_encode_instance(e, at, value);
    }
    if (!bx_enter(&e->guard)) { /* an Enum whose value is itself, for example */
        Py_DECREF(simple);
        return bx_encode_too_deep();
    }
    status = bx_encode_from(e, at, simple, from);
    bx_leave(&e->guard);
    Py_DECREF(simple);
    return status < 0 ? -1 : 1;
}
