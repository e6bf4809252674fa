/* Documents to build columns of: bytes, or a list. */
#include "arrow/builder.h"

#include "core/errors.h"
#include "core/take.h"
#include "raw/raw_document.h"

int bx_documents_in_open(bx_state *st, PyObject *documents, bx_documents_in *in)
{
    memset(in, 0, sizeof(*in));
    in->st = st;
    if (bx_bind(st) < 0) return -1;
    if (PyList_CheckExact(documents)) {
        in->source = Py_NewRef(documents);
        return 0;
    }
    if (PyObject_GetBuffer(documents, &in->view, PyBUF_SIMPLE) < 0) return -1;
    in->p = in->view.buf;
    in->end = in->p + in->view.len;
    return 0;
}

void bx_documents_in_close(bx_documents_in *in)
{
    if (in->view.obj != NULL) PyBuffer_Release(&in->view);
    Py_CLEAR(in->source);
    Py_CLEAR(in->held);
}

/* The bytes of the next item of the list: 1, 0 at the end, -1 with an exception. */
static int next_item(bx_documents_in *in)
{
    PyObject *item;
    bx_span span;
    int status;

    if (in->view.obj != NULL) PyBuffer_Release(&in->view);
    Py_CLEAR(in->held);
    if (in->next >= PyList_GET_SIZE(in->source)) return 0;
#if PY_VERSION_HEX >= 0x030D0000
    item = PyList_GetItemRef(in->source, in->next++);
    if (item == NULL) {
        PyErr_Clear(); /* shortened meanwhile */
        return 0;
    }
#else
    item = Py_NewRef(PyList_GET_ITEM(in->source, in->next));
    in->next++;
#endif
    status = bx_raw_bytes(in->st, item, &span);
    if (status > 0) {
        in->held = span.owner;
        in->p = span.start;
        in->end = span.start + span.size;
    } else if (status == 0) {
        status = PyObject_GetBuffer(item, &in->view, PyBUF_SIMPLE) < 0 ? -1 : 1;
        in->p = in->view.buf;
        in->end = in->p + in->view.len;
    }
    Py_DECREF(item);
    return status;
}

int bx_documents_in_next(bx_documents_in *in, const uint8_t **p, const uint8_t **last)
{
    const uint8_t *document;

    if (in->source != NULL && in->p == in->end) {
        int status = next_item(in);

        if (status <= 0) return status;
    }
    if (in->source == NULL && in->p == in->end) return 0;
    document = bx_take_document(&in->p, in->end, last);
    if (document == NULL || (in->source != NULL && in->p != in->end)) {
        bx_invalid_bson(in->st, 0, "the bytes are no document of BSON");
        return -1;
    }
    *p = document + 4;
    return 1;
}
