/* Extended JSON text: containers, layout, and the values that JSON has itself. */
#include "json/encode.h"

#include <math.h>

#include "core/hex.h"
#include "core/pylong.h"
#include "json/double.h"
#include "types/types.h"

/* ---- numbers ---- */

/* An int (or an instance of a subclass) as int.__repr__ writes it. */
static BX_NOINLINE int put_big_int(bx_json_encoder *e, PyObject *value)
{
    PyObject *text = PyLong_Type.tp_repr(value);
    int status;

    if (text == NULL) return -1;
    status = bx_json_put_literal(e, PyUnicode_DATA(text), (size_t)PyUnicode_GET_LENGTH(text));
    Py_DECREF(text);
    return status;
}

static int put_number(bx_json_encoder *e, PyObject *value)
{
    int64_t number;

    if (BX_UNLIKELY(!bx_long_as_int64(value, &number))) return put_big_int(e, value);
    if (bx_writer_reserve(&e->w, 20) < 0) return -1;
    e->w.p = bx_json_write_int(e->w.p, number);
    return 0;
}

/* Rows "Int32" and "Int64" of the specification's "Conversion table", canonical. */
static int put_canonical_int(bx_json_encoder *e, PyObject *value)
{
    int64_t number;
    bool small = bx_long_as_int64(value, &number) && number == (int32_t)number;
    int status = small ? BX_JSON_PUT(e, "{\"$numberInt\": \"")
                       : BX_JSON_PUT(e, "{\"$numberLong\": \"");

    if (status < 0 || put_number(e, value) < 0) return -1;
    return BX_JSON_PUT(e, "\"}");
}

/* "Representation of Non-finite Numeric Values" of the specification. */
static int put_not_finite(bx_json_encoder *e, double value)
{
    if (isnan(value)) return BX_JSON_PUT(e, "NaN");
    return value > 0 ? BX_JSON_PUT(e, "Infinity") : BX_JSON_PUT(e, "-Infinity");
}

static int put_plain_double(bx_json_encoder *e, double value)
{
    if (BX_UNLIKELY(!isfinite(value))) return put_not_finite(e, value);
    if (bx_writer_reserve(&e->w, 25) < 0) return -1;
    e->w.p = bx_double_write(e->w.p, value);
    return 0;
}

static int put_wrapped_double(bx_json_encoder *e, double value)
{
    if (BX_JSON_PUT(e, "{\"$numberDouble\": \"") < 0) return -1;
    if (put_plain_double(e, value) < 0) return -1;
    return BX_JSON_PUT(e, "\"}");
}

/* ---- keys ---- */

static BX_COLD int bad_key(PyObject *key)
{
    const char *name = Py_TYPE(key)->tp_name;

    /* Our extension types show like the Python classes that they stand for. */
    if (strncmp(name, "bsonx.", 6) == 0) name = strrchr(name, '.') + 1;
    PyErr_Format(PyExc_TypeError,
                 "keys must be str, int, float, bool or None, not %.100s", name);
    return -1;
}

static BX_NOINLINE int put_other_key(bx_json_encoder *e, PyObject *key)
{
    int status;

    if (PyUnicode_Check(key)) return bx_json_put_text(&e->w, key, e->ascii);
    if (BX_JSON_PUT(e, "\"") < 0) return -1;
    if (PyFloat_Check(key)) {
        status = put_plain_double(e, PyFloat_AS_DOUBLE(key));
    } else if (key == Py_True) {
        status = BX_JSON_PUT(e, "true");
    } else if (key == Py_False) {
        status = BX_JSON_PUT(e, "false");
    } else if (key == Py_None) {
        status = BX_JSON_PUT(e, "null");
    } else if (PyLong_Check(key)) {
        status = put_number(e, key);
    } else {
        return bad_key(key);
    }
    return status < 0 ? -1 : BX_JSON_PUT(e, "\"");
}

BX_INLINE int put_key(bx_json_encoder *e, PyObject *key)
{
    int status = BX_LIKELY(PyUnicode_CheckExact(key)) ? bx_json_put_text(&e->w, key, e->ascii)
                                                      : put_other_key(e, key);

    if (BX_UNLIKELY(status < 0)) return -1;
    if (BX_LIKELY(e->layout == NULL)) return BX_JSON_PUT(e, ": ");
    return bx_json_put_literal(e, e->layout->key_separator, e->layout->key_separator_size);
}

/* ---- layout ---- */

static int put_line_break(bx_json_encoder *e, int level)
{
    const bx_json_layout *layout = e->layout;

    if (layout->indent == NULL) return 0;
    if (bx_writer_reserve(&e->w, 1 + (size_t)level * layout->indent_size) < 0) return -1;
    bx_put_u8(&e->w, '\n');
    for (int i = 0; i < level; i++) bx_put_bytes(&e->w, layout->indent, layout->indent_size);
    return 0;
}

static BX_COLD int too_deep(void)
{
    PyErr_SetString(PyExc_RecursionError,
                    "maximum recursion depth exceeded while encoding a JSON object");
    return -1;
}

static int open_container(bx_json_encoder *e, const char *bracket)
{
    if (BX_UNLIKELY(!bx_enter(&e->guard))) return too_deep();
    return bx_json_put_literal(e, bracket, 1);
}

BX_INLINE int put_separator(bx_json_encoder *e, bool *first)
{
    bool comma = !*first;

    *first = false;
    if (BX_LIKELY(e->layout == NULL)) return comma ? BX_JSON_PUT(e, ", ") : 0;
    if (comma && bx_json_put_literal(e, e->layout->item_separator,
                                     e->layout->item_separator_size) < 0) {
        return -1;
    }
    return put_line_break(e, e->guard.depth);
}

static int close_container(bx_json_encoder *e, const char *bracket)
{
    bx_leave(&e->guard);
    if (e->layout != NULL && put_line_break(e, e->guard.depth) < 0) return -1;
    return bx_json_put_literal(e, bracket, 1);
}

/* ---- containers ---- */

static int put_pair(bx_json_encoder *e, PyObject *key, PyObject *value)
{
    int status;

    /* The dict may change while Python code runs for the value. */
    Py_INCREF(key);
    Py_INCREF(value);
    status = put_key(e, key);
    if (BX_LIKELY(status == 0)) status = bx_json_put_value(e, value);
    Py_DECREF(key);
    Py_DECREF(value);
    return status;
}

static int put_pairs(bx_json_encoder *e, PyObject *dict)
{
    Py_ssize_t position = 0, size = PyDict_GET_SIZE(dict);
    PyObject *key, *value;
    bool first = true;

    while (PyDict_Next(dict, &position, &key, &value)) {
        if (BX_UNLIKELY(put_separator(e, &first) < 0)) return -1;
        if (BX_UNLIKELY(put_pair(e, key, value) < 0)) return -1;
        if (BX_UNLIKELY(PyDict_GET_SIZE(dict) != size)) {
            PyErr_SetString(PyExc_RuntimeError, "dictionary changed size during iteration");
            return -1;
        }
    }
    return 0;
}

static int put_sorted_pairs(bx_json_encoder *e, PyObject *dict)
{
    PyObject *items = PyDict_Items(dict);
    bool first = true;
    int status = 0;

    if (items == NULL) return -1;
    if (PyList_Sort(items) < 0) status = -1;
    for (Py_ssize_t i = 0; status == 0 && i < PyList_GET_SIZE(items); i++) {
        PyObject *item = PyList_GET_ITEM(items, i);

        status = put_separator(e, &first);
        if (status == 0) {
            status = put_pair(e, PyTuple_GET_ITEM(item, 0), PyTuple_GET_ITEM(item, 1));
        }
    }
    Py_DECREF(items);
    return status;
}

int bx_json_put_dict(bx_json_encoder *e, PyObject *dict)
{
    int status = 0;

    if (PyDict_GET_SIZE(dict) == 0) return BX_JSON_PUT(e, "{}");
    if (open_container(e, "{") < 0) return -1;
    if (BX_UNLIKELY(e->layout != NULL && e->layout->sort_keys)) {
        status = put_sorted_pairs(e, dict);
    } else {
        Py_BEGIN_CRITICAL_SECTION(dict);
        status = put_pairs(e, dict);
        Py_END_CRITICAL_SECTION();
    }
    return status < 0 ? -1 : close_container(e, "}");
}

static int put_item(bx_json_encoder *e, PyObject *item, bool *first)
{
    int status;

    if (put_separator(e, first) < 0) return -1;
    Py_INCREF(item);
    status = bx_json_put_value(e, item);
    Py_DECREF(item);
    return status;
}

static int put_list(bx_json_encoder *e, PyObject *list)
{
    bool first = true;
    int status = 0;

    if (PyList_GET_SIZE(list) == 0) return BX_JSON_PUT(e, "[]");
    if (open_container(e, "[") < 0) return -1;
    Py_BEGIN_CRITICAL_SECTION(list);
    for (Py_ssize_t i = 0; status == 0 && i < PyList_GET_SIZE(list); i++) {
        status = put_item(e, PyList_GET_ITEM(list, i), &first);
    }
    Py_END_CRITICAL_SECTION();
    return status < 0 ? -1 : close_container(e, "]");
}

static int put_tuple(bx_json_encoder *e, PyObject *tuple)
{
    bool first = true;

    if (PyTuple_GET_SIZE(tuple) == 0) return BX_JSON_PUT(e, "[]");
    if (open_container(e, "[") < 0) return -1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        if (put_item(e, PyTuple_GET_ITEM(tuple, i), &first) < 0) return -1;
    }
    return close_container(e, "]");
}

/* ---- other objects ---- */

/* The words of Python's own unpacking, which counts what has a size since 3.14. */
static void too_many_values(PyObject *pair, Py_ssize_t size)
{
    bool counted = PyTuple_CheckExact(pair) || PyList_CheckExact(pair) || PyDict_CheckExact(pair);

    if (PY_VERSION_HEX >= 0x030E0000 && counted) {
        PyErr_Format(PyExc_ValueError, "too many values to unpack (expected 2, got %zd)", size);
    } else {
        PyErr_SetString(PyExc_ValueError, "too many values to unpack (expected 2)");
    }
}

/* Store one of the pairs that a mapping's items() gives. */
static int add_pair(PyObject *dict, PyObject *pair)
{
    PyObject *tuple = PySequence_Tuple(pair);
    Py_ssize_t size;
    int status = -1;

    if (tuple == NULL) return -1;
    size = PyTuple_GET_SIZE(tuple);
    if (size == 2) {
        status = PyDict_SetItem(dict, PyTuple_GET_ITEM(tuple, 0), PyTuple_GET_ITEM(tuple, 1));
    } else if (size > 2) {
        too_many_values(pair, size);
    } else {
        PyErr_Format(PyExc_ValueError, "not enough values to unpack (expected 2, got %zd)", size);
    }
    Py_DECREF(tuple);
    return status;
}

/* What `items` gives as a dict: a key that comes twice keeps its last value. */
static PyObject *dict_of_items(PyObject *items)
{
    PyObject *pairs = PyObject_CallNoArgs(items);
    PyObject *iterator = pairs == NULL ? NULL : PyObject_GetIter(pairs);
    PyObject *dict = iterator == NULL ? NULL : PyDict_New();
    PyObject *pair;
    int status = 0;

    Py_XDECREF(pairs);
    while (dict != NULL && status == 0 && (pair = PyIter_Next(iterator)) != NULL) {
        status = add_pair(dict, pair);
        Py_DECREF(pair);
    }
    Py_XDECREF(iterator);
    if (PyErr_Occurred()) Py_CLEAR(dict);
    return dict;
}

static int put_mapping(bx_json_encoder *e, PyObject *items)
{
    PyObject *dict = dict_of_items(items);
    int status;

    if (dict == NULL) return -1;
    status = bx_json_put_dict(e, dict);
    Py_DECREF(dict);
    return status;
}

static int put_iterable(bx_json_encoder *e, PyObject *value)
{
    PyObject *list = PySequence_List(value);
    int status;

    if (list == NULL) return -1;
    status = put_list(e, list);
    Py_DECREF(list);
    return status;
}

static bool is_scalar(PyObject *value)
{
    return PyUnicode_Check(value) || PyBytes_Check(value) || PyLong_Check(value);
}

/* Let the pure implementation make dicts, strings and numbers of a value; one that it does not know
 * stays as it is. */
static PyObject *pure_value(bx_json_encoder *e, PyObject *value)
{
    PyObject *const args[2] = {value, e->options};
    PyObject *result = PyObject_Vectorcall(e->j->encode_value, args, 2, NULL);

    if (result == Py_NotImplemented) {
        Py_DECREF(result);
        return Py_NewRef(value);
    }
    return result;
}

static int put_pure_value(bx_json_encoder *e, PyObject *value)
{
    PyObject *final = pure_value(e, value);
    int status;

    if (final == NULL) return -1;
    e->plain = true;
    status = bx_json_put_value(e, final);
    e->plain = false;
    Py_DECREF(final);
    return status;
}

static BX_NOINLINE int put_other(bx_json_encoder *e, PyObject *value)
{
    PyObject *attribute;
    int status = bx_getattr_optional(value, e->j->s_items, &attribute);

    if (status < 0) return -1;
    if (status > 0) {
        status = put_mapping(e, attribute);
        Py_DECREF(attribute);
        return status;
    }
    if (!is_scalar(value)) {
        status = bx_getattr_optional(value, e->j->s_iter, &attribute);
        if (status < 0) return -1;
        if (status > 0) {
            Py_DECREF(attribute);
            return put_iterable(e, value);
        }
    }
    return put_pure_value(e, value);
}

static BX_COLD int not_serializable(PyObject *value)
{
    const char *name = Py_TYPE(value)->tp_name;
    const char *dot = strrchr(name, '.');

    PyErr_Format(PyExc_TypeError, "Object of type %.100s is not JSON serializable",
                 dot == NULL ? name : dot + 1);
    return -1;
}

/* A value as json.dumps takes it, subclasses included. */
static BX_NOINLINE int put_plain(bx_json_encoder *e, PyObject *value)
{
    if (PyUnicode_Check(value)) return bx_json_put_text(&e->w, value, e->ascii);
    if (PyLong_Check(value)) return put_number(e, value);
    if (PyFloat_Check(value)) return put_plain_double(e, PyFloat_AS_DOUBLE(value));
    if (PyList_Check(value)) return put_list(e, value);
    if (PyTuple_Check(value)) return put_tuple(e, value);
    if (PyDict_Check(value)) return bx_json_put_dict(e, value);
    return not_serializable(value);
}

static int put_int(bx_json_encoder *e, PyObject *value)
{
    if (BX_LIKELY(e->mode != BX_JSON_CANONICAL || e->plain)) return put_number(e, value);
    return e->layout == NULL ? put_canonical_int(e, value) : put_pure_value(e, value);
}

static int put_float(bx_json_encoder *e, PyObject *value)
{
    double number = PyFloat_AS_DOUBLE(value);

    if (e->plain || e->mode == BX_JSON_LEGACY) return put_plain_double(e, number);
    if (BX_LIKELY(isfinite(number)) && e->mode == BX_JSON_RELAXED) {
        return put_plain_double(e, number);
    }
    return e->layout == NULL ? put_wrapped_double(e, number) : put_pure_value(e, value);
}

static BX_NOINLINE int put_rare(bx_json_encoder *e, PyObject *value)
{
    int status;

    if (e->plain) return put_plain(e, value);
    if (PyTuple_CheckExact(value)) return put_tuple(e, value);
    if (e->layout == NULL) {
        status = bx_json_put_known(e, value);
        if (status != 0) return status < 0 ? -1 : 0;
    }
    return put_other(e, value);
}

static int put_object_id(bx_json_encoder *e, PyObject *value)
{
    uint8_t *p;

    if (bx_writer_reserve(&e->w, 11 + 24) < 0) return -1;
    p = e->w.p;
    memcpy(p, "{\"$oid\": \"", 10);
    p = bx_hex_write(p + 10, ((bx_objectid *)value)->bytes, 12);
    memcpy(p, "\"}", 2);
    e->w.p = p + 2;
    return 0;
}

int bx_json_put_value(bx_json_encoder *e, PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);

    if (type == &PyUnicode_Type) return bx_json_put_text(&e->w, value, e->ascii);
    if (type == &PyLong_Type) return put_int(e, value);
    if (type == &PyDict_Type) return bx_json_put_dict(e, value);
    if (type == &PyList_Type) return put_list(e, value);
    if (value == Py_None) return BX_JSON_PUT(e, "null");
    if (type == &PyBool_Type) {
        return value == Py_True ? BX_JSON_PUT(e, "true") : BX_JSON_PUT(e, "false");
    }
    if (type == &PyFloat_Type) return put_float(e, value);
    if (type == e->st->ObjectId && e->layout == NULL && !e->plain) return put_object_id(e, value);
    return put_rare(e, value);
}

/* ---- entry ---- */

static int read_small_int(PyObject *object, PyObject *name, int *result)
{
    PyObject *value = PyObject_GetAttr(object, name);
    int64_t number;
    int known;

    if (value == NULL) return -1;
    known = PyLong_Check(value) && bx_long_as_int64(value, &number) && number >= 0 && number <= 2;
    if (known) *result = (int)number;
    Py_DECREF(value);
    return known;
}

/* 1 ready, 0 options of a kind that only the pure implementation takes, -1 with an exception. */
static int read_options(bx_json_encoder *e)
{
    bx_json *j = e->j;
    int status;

    if (!PyObject_TypeCheck(e->options, j->JSONOptions)) return 0;
    status = read_small_int(e->options, j->s_json_mode, &e->mode);
    if (status > 0) status = read_small_int(e->options, j->s_datetime_representation, &e->dates);
    if (status > 0) {
        int truth = bx_json_read_truth(e->options, j->s_strict_number_long);

        if (truth < 0) return -1;
        e->strict_number_long = truth != 0;
    }
    return status;
}

static PyObject *finish(bx_json_encoder *e)
{
    size_t size = bx_writer_size(&e->w);
    PyObject *text;

    if (e->ascii) {
        text = PyUnicode_New((Py_ssize_t)size, 127);
        if (text != NULL) memcpy(PyUnicode_DATA(text), e->w.base, size);
    } else {
        text = PyUnicode_DecodeUTF8((const char *)e->w.base, (Py_ssize_t)size, "surrogatepass");
    }
    bx_writer_abandon(&e->w);
    return text;
}

/* Which of several errors is the first: those of json.dumps are TypeErrors and come after those of
 * all conversions. Python converts again to see whether there is one of these; it finds none where
 * an iterator is exhausted by now. Always NULL. */
static BX_COLD PyObject *first_error(bx_json_encoder *e, PyObject *object)
{
    PyObject *const args[2] = {object, e->options};
    PyObject *pending, *converted;

    if (!PyErr_ExceptionMatches(PyExc_TypeError)) return NULL;
    pending = bx_take_exception();
    converted = PyObject_Vectorcall(e->j->convert, args, 2, NULL);
    if (converted != NULL) PyErr_SetObject((PyObject *)Py_TYPE(pending), pending);
    Py_XDECREF(converted);
    Py_DECREF(pending);
    return NULL;
}

PyObject *bx_json_dumps(bx_json *j, PyObject *object, PyObject *options,
                        const bx_json_layout *layout)
{
    bx_json_encoder e;
    int status;

    if (bx_bind(j->st) < 0) return NULL;
    e.j = j;
    e.st = j->st;
    e.options = options;
    e.layout = layout;
    e.ascii = layout == NULL || layout->ensure_ascii;
    e.plain = false;
    bx_guard_init(&e.guard);
    status = read_options(&e);
    if (status < 0) return NULL;
    if (status == 0) {
        PyObject *const args[2] = {object, options};

        if (layout != NULL) Py_RETURN_NONE;
        return PyObject_Vectorcall(j->dumps, args, 2, NULL);
    }
    bx_writer_init(&e.w, NULL);
    if (bx_json_put_value(&e, object) < 0) {
        bx_leave_to(&e.guard, 0);
        bx_writer_abandon(&e.w);
        return first_error(&e, object);
    }
    return finish(&e);
}
