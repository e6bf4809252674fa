/* Arrays that were built: who owns them, and how others get them. */
#include "arrow/data.h"

#if BX_MSVC
#define ADD(at, n) (_InterlockedExchangeAdd((at), (n)) + (n))
#else
#define ADD(at, n) __atomic_add_fetch((at), (n), __ATOMIC_ACQ_REL)
#endif

#define OBJECT "bsonx.arrow_data"

bx_arrow_data *bx_arrow_data_new(int n_children)
{
    bx_arrow_data *data = PyMem_RawCalloc(1, sizeof(bx_arrow_data));

    if (data == NULL) return NULL;
    data->owners = 1;
    data->children = PyMem_RawCalloc((size_t)n_children + 1, sizeof(bx_arrow_data *));
    if (data->children == NULL) {
        PyMem_RawFree(data);
        return NULL;
    }
    data->n_children = n_children;
    return data;
}

static void free_data(bx_arrow_data *data)
{
    if (data == NULL) return;
    for (int i = 0; i < data->n_children; i++) free_data(data->children[i]);
    for (int i = 0; i < data->n_buffers; i++) PyMem_RawFree(data->buffers[i]);
    PyMem_RawFree(data->children);
    PyMem_RawFree(data);
}

void bx_arrow_data_drop(bx_arrow_data *data)
{
    if (data != NULL && ADD(&data->owners, -1) == 0) free_data(data);
}

/* ---- arrays ---- */

/* What an array that was given away needs: a part of the root. */
typedef struct {
    bx_arrow_data *root;
    const void *buffers[3];
} given;

/* Children may have been moved elsewhere; what is left of them is released. Needs no
 * interpreter. */
static void release_array(struct ArrowArray *array)
{
    given *own = array->private_data;

    for (int64_t i = 0; array->children != NULL && i < array->n_children; i++) {
        if (array->children[i]->release != NULL) array->children[i]->release(array->children[i]);
        PyMem_RawFree(array->children[i]);
    }
    PyMem_RawFree(array->children);
    bx_arrow_data_drop(own->root);
    PyMem_RawFree(own);
    array->release = NULL;
}

static int fill(bx_arrow_data *root, const bx_arrow_data *data, struct ArrowArray *out)
{
    given *own = PyMem_RawCalloc(1, sizeof(given));

    memset(out, 0, sizeof(*out));
    if (own == NULL) return -1;
    own->root = root;
    ADD(&root->owners, 1);
    for (int i = 0; i < data->n_buffers; i++) own->buffers[i] = data->buffers[i];
    out->length = data->length;
    out->null_count = data->nulls;
    out->n_buffers = data->n_buffers;
    out->buffers = own->buffers;
    out->private_data = own;
    out->release = release_array;
    if (data->n_children > 0) {
        out->children = PyMem_RawCalloc((size_t)data->n_children, sizeof(struct ArrowArray *));
    }
    for (int i = 0; i < data->n_children; i++) {
        struct ArrowArray *child =
            out->children == NULL ? NULL : PyMem_RawCalloc(1, sizeof(struct ArrowArray));

        if (child == NULL || fill(root, data->children[i], child) < 0) {
            PyMem_RawFree(child);
            release_array(out);
            return -1;
        }
        out->children[i] = child;
        out->n_children = i + 1;
    }
    return 0;
}

int bx_arrow_data_give(bx_arrow_data *data, struct ArrowArray *out)
{
    return fill(data, data, out);
}

/* ---- objects ---- */

static void drop_object(PyObject *object)
{
    bx_arrow_data_drop(PyCapsule_GetPointer(object, OBJECT));
}

PyObject *bx_arrow_data_object(bx_arrow_data *data)
{
    PyObject *object = PyCapsule_New(data, OBJECT, drop_object);

    if (object == NULL) bx_arrow_data_drop(data);
    return object;
}

bx_arrow_data *bx_arrow_data_of(PyObject *object)
{
    return PyCapsule_GetPointer(object, OBJECT);
}

static void drop_array(PyObject *capsule)
{
    struct ArrowArray *array = PyCapsule_GetPointer(capsule, BX_ARROW_ARRAY);

    if (array->release != NULL) array->release(array);
    PyMem_RawFree(array);
}

PyObject *bx_arrow_array_capsule(PyObject *object)
{
    bx_arrow_data *data = bx_arrow_data_of(object);
    struct ArrowArray *array;
    PyObject *capsule;

    if (data == NULL) return NULL;
    array = PyMem_RawMalloc(sizeof(struct ArrowArray));
    if (array == NULL || bx_arrow_data_give(data, array) < 0) {
        PyMem_RawFree(array);
        return PyErr_NoMemory();
    }
    capsule = PyCapsule_New(array, BX_ARROW_ARRAY, drop_array);
    if (capsule == NULL) {
        array->release(array);
        PyMem_RawFree(array);
    }
    return capsule;
}
