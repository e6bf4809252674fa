/* Encoding from the top: bx_encode, bx_encode_document, and what may stand for a document. */
#include "core/encode.h"

#include "typed/encode.h"

static BX_COLD int no_mapping(PyObject *document)
{
    PyErr_Format(PyExc_TypeError, "encoder expected a mapping type but got: %R", document);
    return -1;
}

static int encode_top_other(bx_encoder *e, PyObject *document)
{
    long marker;
    int status;

    status = bx_encode_known_instance(e, 0, document, true);
    if (status != 0) return status;
    if (bx_read_marker(e, document, &marker) < 0) return -1;
    if (marker == BX_MARK_RAW) return bx_encode_raw(e, document);
    status = PyObject_IsInstance(document, (PyObject *)e->st->Mapping);
    if (status > 0) return bx_encode_mapping(e, document, true);
    if (status == 0) status = bx_encode_instance_top(e, document);
    return status == 0 ? no_mapping(document) : status;
}

int bx_encode_top_mapping(bx_encoder *e, PyObject *mapping, PyObject *document)
{
    int status;

    if (PyDict_Check(mapping)) return bx_encode_dict_subclass(e, mapping, true);
    status = PyObject_IsInstance(mapping, (PyObject *)e->st->Mapping);
    if (status > 0) return bx_encode_mapping(e, mapping, true);
    return status < 0 ? -1 : no_mapping(document);
}

/* Any object as a top-level document. */
static int encode_top(bx_encoder *e, PyObject *document)
{
    if (PyDict_Check(document)) return bx_encode_dict_subclass(e, document, true);
    return encode_top_other(e, document);
}

/* ---- the entry points ---- */

int bx_encode_document(bx_encoder *e, PyObject *document)
{
    int status;

    bx_leave_to(&e->guard, 0);
    status = PyDict_CheckExact(document) ? bx_encode_dict(e, document, true)
                                         : encode_top(e, document);
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
        result = bx_writer_finish(&e.w);
    } else {
        bx_encoder_abandon(&e);
    }
    bx_options_release(st, options);
    return result;
}
