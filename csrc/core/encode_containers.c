/* Documents and arrays: dicts, lists, tuples and other mappings. */
#include "core/dict_layout.h"
#include "core/encode_inline.h"

int bx_encode_keyed(bx_encoder *e, PyObject *key, PyObject *value)
{
    uint8_t *p = bx_put_element(e, e->w.p, key, value);

    if (p == NULL) return -1;
    e->w.p = p;
    return 0;
}

/* ---- depth and size ---- */

int bx_encode_too_deep(void)
{
    PyErr_SetString(PyExc_RecursionError,
                    "maximum recursion depth exceeded while encoding an object to BSON ");
    return -1;
}

int bx_encode_too_large(bx_encoder *e)
{
    return bx_invalid_document(e, BX_TOO_LARGE);
}

BX_INLINE bool is_id_key(bx_state *st, PyObject *key)
{
    return key == st->s_id || (PyUnicode_Check(key) &&
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

static BX_COLD int dict_changed(const char *what)
{
    PyErr_Format(PyExc_RuntimeError, "dictionary %s during iteration", what);
    return -1;
}

/* The pairs of a dict of `size` keys, without the key `_id` if it was written before. A callback
 * that changes the keys is told so in the words of dict's own iterators. */
BX_INLINE int encode_pairs(bx_encoder *e, PyObject *dict, Py_ssize_t size, bool skip_id)
{
    Py_ssize_t left = size;
    unsigned foreign = e->foreign;
    bool known = e->st->dict_layout_known;
    PyObject *key, *value;
    Py_ssize_t position = 0;
    uint8_t *p = e->w.p;

    /* Counting spares the call that would only find the end. */
    while (left > 0 && bx_dict_next(dict, known, &position, &key, &value)) {
        left--;
        if (skip_id && is_id_key(e->st, key)) continue;
        p = bx_put_element(e, p, key, value);
        if (BX_UNLIKELY(p == NULL)) return -1;
        if (BX_UNLIKELY(PyDict_GET_SIZE(dict) != size)) return dict_changed("changed size");
    }
    e->w.p = p;
    if (BX_UNLIKELY(e->foreign != foreign) && PyDict_Next(dict, &position, &key, &value)) {
        return dict_changed("keys changed");
    }
    return 0;
}

int bx_encode_dict(bx_encoder *e, PyObject *dict, bool top)
{
    Py_ssize_t at = bx_open_container(e);
    Py_ssize_t size;
    int status = 0;

    if (at < 0) return -1;
    Py_BEGIN_CRITICAL_SECTION(dict);
    size = PyDict_GET_SIZE(dict);
    if (top) status = encode_leading_id(e, dict);
    if (BX_LIKELY(status == 0)) {
        status = encode_pairs(e, dict, size, false);
    } else if (status > 0) {
        status = PyDict_GET_SIZE(dict) != size ? dict_changed("changed size")
                                               : encode_pairs(e, dict, size, true);
    }
    Py_END_CRITICAL_SECTION();
    if (BX_UNLIKELY(status < 0)) return -1;
    return bx_close_container(e, at);
}

int bx_encode_list(bx_encoder *e, PyObject *list)
{
    Py_ssize_t at = bx_open_container(e);
    uint8_t *p = e->w.p;

    if (at < 0) return -1;
    Py_BEGIN_CRITICAL_SECTION(list);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        p = bx_put_item(e, p, i, PyList_GET_ITEM(list, i));
        if (BX_UNLIKELY(p == NULL)) break;
    }
    Py_END_CRITICAL_SECTION();
    if (BX_UNLIKELY(p == NULL)) return -1;
    e->w.p = p;
    return bx_close_container(e, at);
}

int bx_encode_tuple(bx_encoder *e, PyObject *tuple)
{
    Py_ssize_t at = bx_open_container(e);
    uint8_t *p = e->w.p;

    if (at < 0) return -1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        p = bx_put_item(e, p, i, PyTuple_GET_ITEM(tuple, i));
        if (BX_UNLIKELY(p == NULL)) return -1;
    }
    e->w.p = p;
    return bx_close_container(e, at);
}

/* The value of a key that an iterator gave: new reference, or NULL with KeyError. */
static PyObject *dict_item(PyObject *dict, PyObject *key)
{
    PyObject *value;
    int found = bx_dict_get(dict, key, &value);

    if (found == 0) PyErr_SetObject(PyExc_KeyError, key);
    return found > 0 ? value : NULL;
}

/* The fields of any mapping, by its iterator and item access; `skip_id` leaves out `_id`. An
 * OrderedDict has an order of its own; what its subclasses override does not count, as for every
 * other subclass of dict. */
static int encode_items(bx_encoder *e, PyObject *mapping, bool skip_id)
{
    bool ordered = PyODict_Check(mapping);
    PyObject *iterator = ordered ? PyODict_Type.tp_iter(mapping) : PyObject_GetIter(mapping);
    PyObject *key, *value;
    int status = 0;

    if (iterator == NULL) return -1;
    while (status >= 0 && (key = PyIter_Next(iterator)) != NULL) {
        if (!skip_id || !is_id_key(e->st, key)) {
            value = ordered ? dict_item(mapping, key) : PyObject_GetItem(mapping, key);
            status = value == NULL ? -1 : bx_encode_keyed(e, key, value);
            Py_XDECREF(value);
        }
        Py_DECREF(key);
    }
    Py_DECREF(iterator);
    return status < 0 || PyErr_Occurred() ? -1 : 0;
}

/* As encode_leading_id for any mapping that is no dict. */
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
    Py_ssize_t at = bx_open_container(e);
    int status = 0;

    if (at < 0) return -1;
    e->foreign++; /* what it is asked may change the documents around it */
    if (top) status = PyDict_Check(mapping) ? encode_leading_id(e, mapping)
                                            : encode_mapping_id(e, mapping);
    if (status >= 0) status = encode_items(e, mapping, status > 0);
    return status < 0 ? -1 : bx_close_container(e, at);
}
