/* Where the output grows: from the stack into a bytes object, and that by doubling. */
#include "core/writer.h"

static size_t next_capacity(size_t used, size_t wanted)
{
    size_t capacity = used < (1u << 20) ? used * 4 : used * 2;

    return capacity < wanted ? wanted : capacity;
}

/* -1 with an exception if there cannot be `size` more bytes. */
static int check_size(const bx_writer *w, size_t used, size_t size)
{
    if (used > BX_WRITER_MOST || size > BX_WRITER_MOST - used) {
        PyErr_NoMemory();
        return -1;
    }
    if (w->refusal != NULL && used + size > INT32_MAX) {
        PyErr_SetString(w->refusal, BX_TOO_LARGE);
        return -1;
    }
    return 0;
}

int bx_writer_grow(bx_writer *w, size_t size)
{
    size_t used = bx_writer_size(w);
    size_t capacity;

    if (check_size(w, used, size) < 0) return -1;
    capacity = next_capacity(used, used + size);
    /* What is reserved must end where the check is due. */
    if (w->refusal != NULL && capacity > INT32_MAX) capacity = INT32_MAX;
    capacity += BX_WRITER_SLACK;
    if (w->bytes == NULL) {
        w->bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)capacity);
        if (w->bytes == NULL) return -1;
        memcpy(PyBytes_AS_STRING(w->bytes), w->base, used);
    } else if (_PyBytes_Resize(&w->bytes, (Py_ssize_t)capacity) < 0) {
        return -1;
    }
    w->base = (uint8_t *)PyBytes_AS_STRING(w->bytes);
    w->p = w->base + used;
    w->end = w->base + capacity - BX_WRITER_SLACK;
    return 0;
}

PyObject *bx_writer_finish(bx_writer *w)
{
    PyObject *result = w->bytes;
    Py_ssize_t size = (Py_ssize_t)bx_writer_size(w);

    if (result == NULL) return PyBytes_FromStringAndSize((const char *)w->base, size);
    w->bytes = NULL;
    if (PyBytes_GET_SIZE(result) != size) _PyBytes_Resize(&result, size);
    return result;
}
