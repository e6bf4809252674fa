/* What is in documents: the fields, and of each the types that were met. */
#include "arrow/builder.h"

#include "core/errors.h"
#include "core/skip.h"
#include "core/take.h"
#include "core/utf8.h"

/* Bits of `types`: up to 19 the numbers of BSON's types; and these. */
#define BIT_MAXKEY 20
#define BIT_MINKEY 21
#define BIT_UUID 22 /* binary data of subtype 4; other binary data are bit 5 */

/* More fields than these are keys of data, not names. */
#define MOST_FIELDS 20000

typedef struct node {
    PyObject *name;   /* bytes; NULL: none */
    uint32_t types;
    int64_t row;
    int first;        /* bit of the first type that is not null; -1: none */
    struct node **fields;
    int n_fields, room;
    PyObject *places; /* dict: name to place in `fields` */
    int expected;
    struct node *items;
} node;

typedef struct {
    bx_state *st;
    int64_t row;
    int n_nodes;
    int depth;
} inference;

static node *new_node(PyObject *name)
{
    node *n = PyMem_Calloc(1, sizeof(node));

    if (n == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    n->name = Py_XNewRef(name);
    n->first = -1;
    return n;
}

static void free_node(node *n)
{
    if (n == NULL) return;
    for (int i = 0; i < n->n_fields; i++) free_node(n->fields[i]);
    PyMem_Free(n->fields);
    free_node(n->items);
    Py_XDECREF(n->name);
    Py_XDECREF(n->places);
    PyMem_Free(n);
}

/* ---- fields ---- */

static BX_COLD int refuse(inference *in, const char *text)
{
    PyObject *row = PyLong_FromLongLong(in->row);

    if (row == NULL) return -1;
    bx_arrow_error(in->st, Py_None, row, PyUnicode_FromString(text));
    Py_DECREF(row);
    return -1;
}

static node *add_field(inference *in, node *parent, PyObject *name)
{
    node *child;
    PyObject *place;

    if (in->n_nodes++ >= MOST_FIELDS) {
        refuse(in, "the documents have too many different fields: give a schema");
        return NULL;
    }
    if (parent->n_fields == parent->room) {
        int room = parent->room == 0 ? 8 : 2 * parent->room;
        node **fields = PyMem_Realloc(parent->fields, (size_t)room * sizeof(node *));

        if (fields == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        parent->fields = fields;
        parent->room = room;
    }
    place = PyLong_FromLong(parent->n_fields);
    if (place == NULL || PyDict_SetItem(parent->places, name, place) < 0 ||
        (child = new_node(name)) == NULL) {
        Py_XDECREF(place);
        return NULL;
    }
    Py_DECREF(place);
    parent->fields[parent->n_fields++] = child;
    return child;
}

/* A field that is not where it was expected: its node, or NULL with an exception. */
static node *look_up(inference *in, node *parent, const uint8_t *text, size_t size)
{
    PyObject *name = PyBytes_FromStringAndSize((const char *)text, (Py_ssize_t)size);
    PyObject *place = NULL;
    node *child = NULL;
    int found;

    if (name == NULL) return NULL;
    if (parent->places == NULL && (parent->places = PyDict_New()) == NULL) {
        Py_DECREF(name);
        return NULL;
    }
    found = bx_dict_get(parent->places, name, &place);
    if (found > 0) {
        parent->expected = (int)PyLong_AsLong(place);
        child = parent->fields[parent->expected];
        Py_DECREF(place);
    } else if (found == 0 && !bx_is_text(text, size)) {
        refuse(in, "the name of a field is not UTF-8");
    } else if (found == 0) {
        parent->expected = parent->n_fields;
        child = add_field(in, parent, name);
    }
    Py_DECREF(name);
    return child;
}

BX_INLINE node *find(inference *in, node *parent, const uint8_t *text, size_t size)
{
    node *child;

    if (parent->expected < parent->n_fields) {
        child = parent->fields[parent->expected];
        if ((size_t)PyBytes_GET_SIZE(child->name) == size &&
            memcmp(PyBytes_AS_STRING(child->name), text, size) == 0) {
            parent->expected++;
            return child;
        }
    }
    child = look_up(in, parent, text, size);
    if (child != NULL) parent->expected++;
    return child;
}

/* ---- values ---- */

static int bit_of(uint8_t type, const uint8_t *v, const uint8_t *next)
{
    Py_ssize_t size;
    int subtype;

    if (type == BX_MAXKEY) return BIT_MAXKEY;
    if (type == BX_MINKEY) return BIT_MINKEY;
    if (type != BX_BINARY || bx_take_binary(&v, next, &size, &subtype) == NULL) return type;
    return subtype == 4 && size == 16 ? BIT_UUID : type;
}

static void note(inference *in, node *n, int bit)
{
    if (n->types >> bit & 1) return;
    n->types |= UINT32_C(1) << bit;
    if (bit == BX_NULL || bit == BX_UNDEFINED) return;
    n->row = in->row;
    if (n->first < 0) n->first = bit;
}

static int look_at(inference *in, node *n, uint8_t type, const uint8_t *v, const uint8_t *next);

static int look_at_elements(inference *in, node *n, bool is_array, const uint8_t *p,
                            const uint8_t *last)
{
    bx_element element;

    if (in->depth >= BX_ARROW_DEPTH) return refuse(in, "the documents are nested too deep");
    in->depth++;
    n->expected = 0;
    for (; p < last; p = element.next) {
        node *child;

        if (bx_skip(p, last, &element) != BX_SKIP_OK) {
            bx_invalid_bson(in->st, 0, "document %lld is no BSON", (long long)in->row);
            return -1;
        }
        if (is_array) {
            if (n->items == NULL && (n->items = new_node(NULL)) == NULL) return -1;
            child = n->items;
        } else {
            child = find(in, n, element.name, (size_t)(element.value - element.name) - 1);
            if (child == NULL) return -1;
        }
        if (look_at(in, child, *p, element.value, element.next) < 0) return -1;
    }
    in->depth--;
    return 0;
}

static int look_at(inference *in, node *n, uint8_t type, const uint8_t *v, const uint8_t *next)
{
    const uint8_t *p, *last;

    note(in, n, bit_of(type, v, next));
    if (type != BX_DOCUMENT && type != BX_ARRAY) return 0;
    p = bx_take_document(&v, next, &last);
    if (p == NULL) {
        bx_invalid_bson(in->st, 0, "document %lld is no BSON", (long long)in->row);
        return -1;
    }
    return look_at_elements(in, n, type == BX_ARRAY, p + 4, last);
}

/* ---- the outcome ---- */

static PyObject *as_tuple(const node *n)
{
    PyObject *fields = PyTuple_New(n->n_fields);
    PyObject *items = n->items == NULL ? Py_NewRef(Py_None) : as_tuple(n->items);

    for (int i = 0; fields != NULL && i < n->n_fields; i++) {
        PyObject *field = as_tuple(n->fields[i]);

        if (field == NULL) {
            Py_CLEAR(fields);
        } else {
            PyTuple_SET_ITEM(fields, i, field);
        }
    }
    if (fields == NULL || items == NULL) {
        Py_XDECREF(fields);
        Py_XDECREF(items);
        return NULL;
    }
    return Py_BuildValue("s#kLiNN", n->name == NULL ? "" : PyBytes_AS_STRING(n->name),
                         n->name == NULL ? (Py_ssize_t)0 : PyBytes_GET_SIZE(n->name),
                         (unsigned long)n->types, (long long)n->row, n->first, fields, items);
}

PyObject *bx_arrow_types(bx_state *st, PyObject *documents)
{
    inference in = {.st = st};
    bx_documents_in from;
    const uint8_t *p, *last;
    PyObject *result = NULL;
    node *root;
    int status;

    if (bx_documents_in_open(st, documents, &from) < 0) return NULL;
    root = new_node(NULL);
    status = root == NULL ? -1 : 1;
    while (status > 0 && (status = bx_documents_in_next(&from, &p, &last)) > 0) {
        if (look_at_elements(&in, root, false, p, last) < 0) status = -1;
        in.row++;
    }
    bx_documents_in_close(&from);
    if (status == 0) result = as_tuple(root);
    free_node(root);
    return result;
}
