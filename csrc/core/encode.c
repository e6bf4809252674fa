/* Encoding from the top: bx_encode, bx_encode_document, and what may stand for a document. */
#include "core/encode.h"

#include "typed/encode.h"

static BX_COLD int no_mapping(PyObject *document)
{
    PyErr_Format(PyExc_TypeError, "encoder expected a mapping type but got: %R", document);
    return -1;
}

/* 1 done, 0 it cannot be a document, -1 error. */
static int encode_top_other(bx_encoder *e, PyObject *document)
{
    long marker;
    int status = bx_encode_known_instance(e, 0, document, true);

    if (status != 0) return status;
    if (bx_read_marker(e, document, &marker) < 0) return -1;
    if (marker == BX_MARK_RAW) return bx_encode_raw(e, document) < 0 ? -1 : 1;
    status = PyObject_IsInstance(document, (PyObject *)e->st->Mapping);
    if (status > 0) return bx_encode_mapping(e, document, true) < 0 ? -1 : 1;
    return status < 0 ? -1 : bx_encode_instance_top(e, document);
}

int bx_encode_top_instead(bx_encoder *e, PyObject *stored, PyObject *document)
{
    int status;

    if (PyDict_Check(stored)) return bx_encode_dict_subclass(e, stored, true);
    status = encode_top_other(e, stored);
    if (status == 0) return no_mapping(document);
    return status < 0 ? -1 : 0;
}

/* ---- the entry points ---- */

int bx_encode_document(bx_encoder *e, PyObject *document)
{
    int status;

    bx_leave_to(&e->guard, 0);
    status = PyDict_CheckExact(document) ? bx_encode_dict(e, document, true)
                                         : bx_encode_top_instead(e, document, document);
    if (BX_UNLIKELY(status < 0)) {
        bx_complete_error(e, document);
        Py_CLEAR(e->path);
        return -1;
    }
    return 0;
}

PyObject *bx_encode(bx_state *st, PyObject *document, bool check_keys, PyObject *codec_options)
{
    bx_options *options = bx_options_hold(st, codec_options);
    PyObject *result = NULL;
    bx_encoder e;

    if (options == NULL) return NULL;
    bx_encoder_init(&e, st, options, check_keys);
    if (BX_LIKELY(bx_encode_document(&e, document) == 0)) {
        result = bx_encoder_finish(&e);
    } else {
        bx_encoder_abandon(&e);
    }
    bx_options_release(st, options);
    return result;
}
