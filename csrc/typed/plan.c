/* From the nodes and model plans of bsonx._typed.nodes to structs. */
#include "typed/plan.h"

/* ---- the plan object ---- */

static int plan_traverse(bx_plan *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->objects);
    return 0;
}

/* There is no tp_clear: a plan is immutable while it is executed. The cycle through a class and its
 * plan is broken at the class. */
static void plan_dealloc(bx_plan *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    for (size_t i = 0; i < self->block_count; i++) PyMem_Free(self->blocks[i]);
    PyMem_Free(self->blocks);
    Py_XDECREF(self->objects);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyType_Slot plan_slots[] = {
    {Py_tp_dealloc, plan_dealloc},
    {Py_tp_traverse, plan_traverse},
    {0, NULL},
};

static PyType_Spec plan_spec = {
    .name = "bsonx._native._Plan",
    .basicsize = sizeof(bx_plan),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = plan_slots,
};

PyTypeObject *bx_plan_type(PyObject *module)
{
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, &plan_spec, NULL);
}

/* ---- compiling ---- */

/* A compilation: structs already made are found by the address of their Python object. */
typedef struct {
    bx_plan *plan;
    bx_typed *typed;
    PyObject *nodes, *models; /* dicts: address -> address */
} compiler;

static const bx_node *compile_node(compiler *c, PyObject *source);
static const bx_model *compile_model(compiler *c, PyObject *source);

/* Zeroed memory that lives as long as the plan. */
static void *new_block(compiler *c, size_t count, size_t size)
{
    bx_plan *plan = c->plan;
    void *block;

    if (plan->block_count == plan->block_room) {
        size_t room = plan->block_room ? 2 * plan->block_room : 16;
        void **blocks = PyMem_Realloc(plan->blocks, room * sizeof(void *));

        if (blocks == NULL) return PyErr_NoMemory();
        plan->blocks = blocks;
        plan->block_room = room;
    }
    block = PyMem_Calloc(count ? count : 1, size);
    if (block == NULL) return PyErr_NoMemory();
    plan->blocks[plan->block_count++] = block;
    return block;
}

/* Hand a reference over to the plan; returns the object, NULL if it is NULL or on failure. */
static PyObject *keep(compiler *c, PyObject *object)
{
    int status;

    if (object == NULL) return NULL;
    status = PyList_Append(c->plan->objects, object);
    Py_DECREF(object);
    return status < 0 ? NULL : object;
}

/* An attribute kept by the plan. */
static PyObject *get(compiler *c, PyObject *source, const char *name)
{
    return keep(c, PyObject_GetAttrString(source, name));
}

/* The same with NULL for None: 0, or -1 with an exception. */
static int get_optional(compiler *c, PyObject *source, const char *name, PyObject **out)
{
    *out = get(c, source, name);
    if (*out == NULL) return -1;
    if (*out == Py_None) *out = NULL;
    return 0;
}

static int get_int(PyObject *source, const char *name, int limit, int *out)
{
    PyObject *value = PyObject_GetAttrString(source, name);
    long number;

    if (value == NULL) return -1;
    number = PyLong_AsLong(value);
    Py_DECREF(value);
    if (number == -1 && PyErr_Occurred()) return -1;
    if (number < 0 || number >= limit) {
        PyErr_Format(PyExc_SystemError, "a plan's %s is %ld", name, number);
        return -1;
    }
    *out = (int)number;
    return 0;
}

static int get_bool(PyObject *source, const char *name, bool *out)
{
    PyObject *value = PyObject_GetAttrString(source, name);

    if (value == NULL) return -1;
    *out = value == Py_True;
    Py_DECREF(value);
    return 0;
}

static int get_text(PyObject *text, const char **out, Py_ssize_t *size)
{
    *out = PyUnicode_AsUTF8AndSize(text, size);
    return *out == NULL ? -1 : 0;
}

/* Look up or note the struct made for a Python object. */
static void *find_made(PyObject *made, PyObject *source)
{
    PyObject *key = PyLong_FromVoidPtr(source);
    PyObject *found = key == NULL ? NULL : PyDict_GetItemWithError(made, key);

    Py_XDECREF(key);
    return found == NULL ? NULL : PyLong_AsVoidPtr(found);
}

static int note_made(PyObject *made, PyObject *source, void *block)
{
    PyObject *key = PyLong_FromVoidPtr(source), *value = PyLong_FromVoidPtr(block);
    int status = key == NULL || value == NULL ? -1 : PyDict_SetItem(made, key, value);

    Py_XDECREF(key);
    Py_XDECREF(value);
    return status;
}

/* ---- nodes ---- */

static int add_codes(PyObject *source, const char *name, uint32_t *accepts)
{
    PyObject *codes = PyObject_GetAttrString(source, name);
    PyObject *iterator = codes == NULL ? NULL : PyObject_GetIter(codes);
    PyObject *item;

    Py_XDECREF(codes);
    if (iterator == NULL) return -1;
    while ((item = PyIter_Next(iterator)) != NULL) {
        long code = PyLong_AsLong(item);

        Py_DECREF(item);
        if (code == -1 && PyErr_Occurred()) break;
        *accepts |= UINT32_C(1) << bx_type_slot((uint8_t)code);
    }
    *accepts &= ~UINT32_C(1);
    Py_DECREF(iterator);
    return PyErr_Occurred() ? -1 : 0;
}

/* The nodes of a tuple: an array of the plan's, or NULL with an exception. */
static const bx_node **compile_tuple(compiler *c, PyObject *tuple, int *count)
{
    const bx_node **nodes;

    if (!PyTuple_Check(tuple)) {
        PyErr_SetString(PyExc_SystemError, "a plan's nodes must be a tuple");
        return NULL;
    }
    *count = (int)PyTuple_GET_SIZE(tuple);
    nodes = new_block(c, (size_t)*count, sizeof(*nodes));
    for (int i = 0; nodes != NULL && i < *count; i++) {
        nodes[i] = compile_node(c, PyTuple_GET_ITEM(tuple, i));
        if (nodes[i] == NULL) return NULL;
    }
    return nodes;
}

static int compile_table(compiler *c, PyObject *table, bx_node *node)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;

    node->choices = new_block(c, BX_TYPE_SLOTS, sizeof(bx_choice));
    if (node->choices == NULL) return -1;
    while (PyDict_Next(table, &position, &key, &value)) {
        long code = PyLong_AsLong(key);
        bx_choice *choice;

        if (code == -1 && PyErr_Occurred()) return -1;
        choice = &node->choices[bx_type_slot((uint8_t)code)];
        choice->nodes = compile_tuple(c, value, &choice->count);
        if (choice->nodes == NULL) return -1;
    }
    return 0;
}

/* {tag: node} as {tag: position} and the nodes. */
static int compile_tags(compiler *c, PyObject *values, bx_node *node)
{
    PyObject *key, *value, *positions = keep(c, PyDict_New());
    Py_ssize_t position = 0;
    int count = 0;

    if (positions == NULL) return -1;
    node->items = new_block(c, (size_t)PyDict_GET_SIZE(values), sizeof(*node->items));
    if (node->items == NULL) return -1;
    while (PyDict_Next(values, &position, &key, &value)) {
        PyObject *number = PyLong_FromLong(count);
        int status = number == NULL ? -1 : PyDict_SetItem(positions, key, number);

        Py_XDECREF(number);
        if (status < 0) return -1;
        node->items[count] = compile_node(c, value);
        if (node->items[count++] == NULL) return -1;
    }
    node->count = count;
    node->values = positions;
    return 0;
}

static int fill_node(compiler *c, PyObject *source, bx_node *node)
{
    PyObject *item, *items, *model, *table;
    int kind;

    if (get_int(source, "kind", BX_K_COUNT, &kind) < 0 ||
        add_codes(source, "codes", &node->accepts) < 0 ||
        add_codes(source, "widened", &node->accepts) < 0 ||
        (node->label = get(c, source, "label")) == NULL ||
        get_optional(c, source, "cls", &node->cls) < 0 ||
        get_optional(c, source, "values", &node->values) < 0 ||
        get_optional(c, source, "call", &node->call) < 0 ||
        get_optional(c, source, "key", &node->key) < 0 ||
        get_optional(c, source, "item", &item) < 0 ||
        get_optional(c, source, "model", &model) < 0 ||
        get_optional(c, source, "table", &table) < 0 ||
        (items = get(c, source, "items")) == NULL) {
        return -1;
    }
    node->kind = (bx_kind)kind;
    if (item != NULL && (node->item = compile_node(c, item)) == NULL) return -1;
    if (model != NULL && (node->model = compile_model(c, model)) == NULL) return -1;
    if (node->kind == BX_K_FIXED &&
        (node->items = compile_tuple(c, items, &node->count)) == NULL) {
        return -1;
    }
    if (node->kind == BX_K_UNION && compile_table(c, table, node) < 0) return -1;
    if (node->kind == BX_K_TAGGED) {
        if (get_text(node->key, &node->key_text, &node->key_size) < 0) return -1;
        return compile_tags(c, node->values, node);
    }
    return 0;
}

/* Whether a node has what its kind needs, so that reading it has nothing to check. */
static bool is_complete(const bx_node *node)
{
    switch (node->kind) {
    case BX_K_INSTANCE:
    case BX_K_DOCUMENT:
        return node->cls != NULL;
    case BX_K_LIST:
    case BX_K_TUPLE:
    case BX_K_SET:
    case BX_K_FROZENSET:
    case BX_K_DICT:
        return node->item != NULL;
    case BX_K_MODEL:
        return node->model != NULL;
    case BX_K_LOOKUP:
        return node->item != NULL && node->values != NULL && PyDict_CheckExact(node->values);
    case BX_K_CALL:
        return node->item != NULL && node->call != NULL;
    default:
        return true;
    }
}

static const bx_node *compile_node(compiler *c, PyObject *source)
{
    bx_node *node = find_made(c->nodes, source);

    if (node != NULL || PyErr_Occurred()) return node;
    node = new_block(c, 1, sizeof(bx_node));
    if (node == NULL || note_made(c->nodes, source, node) < 0) return NULL;
    if (Py_EnterRecursiveCall(" while compiling a decode plan")) return NULL;
    if (fill_node(c, source, node) < 0) node = NULL;
    Py_LeaveRecursiveCall();
    if (node != NULL && !is_complete(node)) {
        PyErr_Format(PyExc_SystemError, "incomplete plan: %R", source);
        return NULL;
    }
    return node;
}

/* ---- models ---- */

/* Whether the node makes a str of a string. */
static bool takes_str(const bx_node *node)
{
    const bx_choice *choice;

    if (node->kind != BX_K_UNION) return node->kind == BX_K_STR;
    if (node->choices == NULL) return false; /* it refers to itself, and is not complete yet */
    choice = &node->choices[bx_type_slot(BX_STRING)];
    return choice->count == 1 && choice->nodes[0]->kind == BX_K_STR;
}

/* The words that a name is compared by. */
static void fill_words(bx_field *field)
{
    uint8_t bytes[16] = {0};
    size_t size = (size_t)field->size + 1; /* with the NUL */

    memcpy(bytes, field->text, size < 16 ? size : 16);
    field->head = bx_load64(bytes);
    field->tail = bx_load64(bytes + 8);
    if (size <= 16) return;
    field->head2 = bx_load64((const uint8_t *)field->text + size - 16);
    field->tail2 = bx_load64((const uint8_t *)field->text + size - 8);
}

static int fill_default(compiler *c, PyObject *source, bx_field *field)
{
    PyObject *fallback, *factory;

    if ((fallback = get(c, source, "default")) == NULL) return -1;
    if (get_optional(c, source, "factory", &factory) < 0) return -1;
    if (factory != NULL) {
        field->otherwise = BX_FACTORY;
        field->fallback = factory;
    } else if (fallback == c->typed->ABSENT) {
        field->otherwise = BX_MAY_BE_ABSENT;
    } else if (fallback != c->typed->MISSING) {
        field->otherwise = BX_DEFAULT;
        field->fallback = fallback;
    }
    return 0;
}

static int fill_field(compiler *c, PyObject *source, const bx_model *model, bx_field *field,
                      PyObject **weak_key)
{
    PyObject *name = PyObject_GetAttrString(source, "name"), *node;
    Py_ssize_t size;

    if (name == NULL) return -1;
    PyUnicode_InternInPlace(&name); /* attributes and arguments are found faster */
    if ((field->name = keep(c, name)) == NULL) return -1;
    if ((field->key = get(c, source, "key")) == NULL) return -1;
    if (get_text(field->key, &field->text, &size) < 0) return -1;
    /* No document can hold a name with a NUL. */
    field->size = memchr(field->text, 0, (size_t)size) != NULL ? BX_NO_NAME : (uint32_t)size;
    if (field->size != BX_NO_NAME) fill_words(field);
    if (get_optional(c, source, "weak_key", weak_key) < 0) return -1;
    if (get_bool(source, "late", &field->late) < 0) return -1;
    if ((node = get(c, source, "node")) == NULL) return -1;
    if ((field->node = compile_node(c, node)) == NULL) return -1;
    field->takes_str = takes_str(field->node);
    if (model->build == BX_BUILD_ATTRIBUTES || model->build == BX_BUILD_STRUCT) {
        field->slot = bx_slot_offset(model->cls, field->name);
    }
    return fill_default(c, source, field);
}

uint32_t bx_hash_name(const char *text, size_t size)
{
    uint32_t h = UINT32_C(2166136261);

    for (size_t i = 0; i < size; i++) h = (h ^ (uint8_t)text[i]) * UINT32_C(16777619);
    return h;
}

static void add_name(bx_model *model, const char *text, uint32_t size, int field, bool weak)
{
    uint32_t hash = bx_hash_name(text, size);
    uint32_t at = hash & model->names_mask;

    while (model->names[at].text != NULL) {
        bx_field_name *entry = &model->names[at];

        /* A proper name goes before a weak one. */
        if (entry->size == size && memcmp(entry->text, text, size) == 0) {
            if (entry->weak && !weak) {
                entry->field = field;
                entry->weak = false;
            }
            return;
        }
        at = (at + 1) & model->names_mask;
    }
    model->names[at] = (bx_field_name){text, size, hash, field, weak};
}

static int fill_fields(compiler *c, PyObject *sources, bx_model *model)
{
    uint32_t room = 8;

    if (!PyList_Check(sources)) {
        PyErr_SetString(PyExc_SystemError, "a plan's fields must be a list");
        return -1;
    }
    model->count = (int)PyList_GET_SIZE(sources);
    while (room < 4 * (uint32_t)model->count) room *= 2;
    model->names_mask = room - 1;
    model->names = new_block(c, room, sizeof(bx_field_name));
    model->fields = new_block(c, (size_t)model->count, sizeof(bx_field));
    model->follow = new_block(c, (size_t)model->count + 1, sizeof(int));
    if (model->names == NULL || model->fields == NULL || model->follow == NULL) return -1;
    for (int i = 0; i <= model->count; i++) model->follow[i] = i;
    for (int i = 0; i < model->count; i++) {
        bx_field *field = &model->fields[i];
        PyObject *weak_key;
        Py_ssize_t size;
        const char *text;

        if (fill_field(c, PyList_GET_ITEM(sources, i), model, field, &weak_key) < 0) return -1;
        if (field->size != BX_NO_NAME) add_name(model, field->text, field->size, i, false);
        if (weak_key == NULL) continue;
        if (get_text(weak_key, &text, &size) < 0) return -1;
        add_name(model, text, (uint32_t)size, i, true);
    }
    return 0;
}

static int fill_all_names(compiler *c, bx_model *model)
{
    PyObject *names;
    int n = 0;

    for (int i = 0; i < model->count; i++) model->arguments += !model->fields[i].late;
    names = keep(c, PyTuple_New(model->arguments));
    if (names == NULL) return -1;
    for (int i = 0; i < model->count; i++) {
        if (model->fields[i].late) continue;
        PyTuple_SET_ITEM(names, n++, Py_NewRef(model->fields[i].name));
    }
    model->all_names = names;
    if (model->build == BX_BUILD_PYDANTIC) {
        PyObject *set = PySet_New(names);

        /* A copy of a copy has the size of every later copy, which makes copying quicker. */
        model->all_names = set == NULL ? NULL : keep(c, PySet_New(set));
        Py_XDECREF(set);
    }
    return model->all_names == NULL ? -1 : 0;
}

static int fill_no_values(compiler *c, bx_model *model)
{
    PyObject *dict = keep(c, PyDict_New());

    for (int i = 0; dict != NULL && i < model->count; i++) {
        if (PyDict_SetItem(dict, model->fields[i].name, c->typed->ABSENT) < 0) return -1;
    }
    model->no_values = dict;
    return dict == NULL ? -1 : 0;
}

/* The place of what pydantic keeps; 0 where an attribute of the class hides its own. */
static int pydantic_slot(bx_model *model, const char *text, Py_ssize_t *slot)
{
    PyObject *name = PyUnicode_InternFromString(text);

    if (name == NULL) return -1;
    *slot = bx_slot_offset(model->cls, name);
    Py_DECREF(name);
    return 0;
}

/* Whether instances can be made by their allocator and filled in place. */
static bool has_all_slots(const bx_model *model)
{
    bool plain = model->build == BX_BUILD_ATTRIBUTES && model->cls->tp_dictoffset == 0 &&
                 model->cls->tp_new == PyBaseObject_Type.tp_new;

    if (!plain && model->build != BX_BUILD_STRUCT) return false;
    for (int i = 0; i < model->count; i++) {
        if (model->fields[i].slot == 0) return false;
    }
    return true;
}

/* Leave a struct to its constructor if its layout is not the one that is known. */
static int call_structs(compiler *c, bx_model *model)
{
    int known = bx_structs_are_known(c->typed);

    if (known < 0) return -1;
    if (known && has_all_slots(model)) return 0;
    model->build = BX_BUILD_CALL;
    model->post_init = NULL; /* the constructor calls it */
    return 0;
}

static int fill_build(compiler *c, bx_model *model)
{
    PyTypeObject *cls = model->cls;
    bool is_tuple = PyType_Check((PyObject *)cls) && PyType_IsSubtype(cls, &PyTuple_Type);

    if (!PyType_Check((PyObject *)cls) || (model->build == BX_BUILD_TUPLE && !is_tuple)) {
        PyErr_Format(PyExc_SystemError, "a plan cannot build %R", (PyObject *)cls);
        return -1;
    }
    model->plain_alloc = bx_has_plain_alloc(cls);
    if (model->build == BX_BUILD_STRUCT && call_structs(c, model) < 0) return -1;
    model->all_slots = has_all_slots(model);
    if (model->build == BX_BUILD_CALL || model->build == BX_BUILD_PYDANTIC) {
        if (fill_all_names(c, model) < 0) return -1;
    }
    if (model->build != BX_BUILD_PYDANTIC) return 0;
    if (fill_no_values(c, model) < 0) return -1;
    if (pydantic_slot(model, "__pydantic_fields_set__", &model->fields_set) < 0) return -1;
    if (pydantic_slot(model, "__pydantic_extra__", &model->extra) < 0) return -1;
    return pydantic_slot(model, "__pydantic_private__", &model->private_);
}

static int fill_model(compiler *c, PyObject *source, bx_model *model)
{
    PyObject *fields, *fallback, *argument, *rest;
    int build, unknown;

    if ((model->cls = (PyTypeObject *)get(c, source, "cls")) == NULL ||
        (model->label = get(c, source, "label")) == NULL ||
        get_int(source, "build", BX_BUILD_COUNT, &build) < 0 ||
        get_int(source, "unknown", BX_UNKNOWN_COUNT, &unknown) < 0 ||
        get_optional(c, source, "post_init", &model->post_init) < 0 ||
        get_optional(c, source, "tag_field", &model->tag_field) < 0 ||
        get_optional(c, source, "tag", &model->tag) < 0 ||
        get_optional(c, source, "fallback", &fallback) < 0 ||
        (argument = get(c, source, "post_init_argument")) == NULL ||
        (rest = get(c, source, "rest")) == NULL ||
        (fields = get(c, source, "fields")) == NULL) {
        return -1;
    }
    model->build = (bx_build)build;
    model->unknown = (bx_unknown)unknown;
    model->post_init_argument = argument == Py_True;
    if (model->tag_field != NULL &&
        get_text(model->tag_field, &model->tag_text, &model->tag_size) < 0) {
        return -1;
    }
    if (fill_fields(c, fields, model) < 0 || fill_build(c, model) < 0) return -1;
    if ((model->rest = compile_node(c, rest)) == NULL) return -1;
    if (fallback == NULL) return 0;
    model->fallback = compile_node(c, fallback);
    return model->fallback == NULL ? -1 : 0;
}

static const bx_model *compile_model(compiler *c, PyObject *source)
{
    bx_model *model = find_made(c->models, source);

    if (model != NULL || PyErr_Occurred()) return model;
    model = new_block(c, 1, sizeof(bx_model));
    if (model == NULL || note_made(c->models, source, model) < 0) return NULL;
    return fill_model(c, source, model) < 0 ? NULL : model;
}

/* ---- whole plans ---- */

bx_plan *bx_plan_compile(bx_typed *typed, PyObject *type_plan)
{
    compiler c = {NULL, typed, NULL, NULL};
    PyObject *node = PyObject_GetAttrString(type_plan, "node");

    if (node == NULL) return NULL;
    c.plan = (bx_plan *)typed->Plan->tp_alloc(typed->Plan, 0);
    if (c.plan != NULL) {
        c.plan->objects = PyList_New(0);
        c.nodes = PyDict_New();
        c.models = PyDict_New();
        if (c.plan->objects == NULL || c.nodes == NULL || c.models == NULL ||
            (c.plan->top = compile_node(&c, node)) == NULL) {
            Py_CLEAR(c.plan);
        }
    }
    Py_XDECREF(c.nodes);
    Py_XDECREF(c.models);
    Py_DECREF(node);
    return c.plan;
}
