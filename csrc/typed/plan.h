/* Decode plans in C: what `bsonx._typed.nodes` describes, compiled once per type into structs. */
#ifndef BSONX_PLAN_H
#define BSONX_PLAN_H

#include "typed/typed.h"

/* Kinds of nodes, builds and ways with unknown fields: the numbers of bsonx._typed.nodes. */
typedef enum {
    BX_K_ANY,
    BX_K_NONE,
    BX_K_BOOL,
    BX_K_INT,
    BX_K_INT64,
    BX_K_FLOAT,
    BX_K_STR,
    BX_K_BYTES,
    BX_K_BINARY,
    BX_K_OBJECTID,
    BX_K_DATETIME,
    BX_K_DATETIME_MS,
    BX_K_UUID,
    BX_K_INSTANCE,
    BX_K_DOCUMENT,
    BX_K_LIST,
    BX_K_TUPLE,
    BX_K_SET,
    BX_K_FROZENSET,
    BX_K_FIXED,
    BX_K_DICT,
    BX_K_MODEL,
    BX_K_TAGGED,
    BX_K_UNION,
    BX_K_LOOKUP,
    BX_K_CALL,
    BX_K_COUNT
} bx_kind;

typedef enum {
    BX_BUILD_DICT,
    BX_BUILD_ATTRIBUTES,
    BX_BUILD_TUPLE,
    BX_BUILD_CALL,
    BX_BUILD_PYDANTIC,
    BX_BUILD_VALIDATED,
    BX_BUILD_STRUCT,
    BX_BUILD_COUNT
} bx_build;

typedef enum {
    BX_UNKNOWN_IGNORE,
    BX_UNKNOWN_FORBID,
    BX_UNKNOWN_KEEP,
    BX_UNKNOWN_COUNT
} bx_unknown;

/* Element types as small numbers: 0 is an unknown one. */
#define BX_TYPE_SLOTS 22

BX_INLINE int bx_type_slot(uint8_t type)
{
    if (BX_LIKELY(type <= BX_DECIMAL128)) return type;
    return type == BX_MAXKEY ? 20 : type == BX_MINKEY ? 21 : 0;
}

typedef struct bx_node bx_node;
typedef struct bx_model bx_model;

/* The alternatives of a union for one element type. */
typedef struct {
    const bx_node **nodes;
    int count;
} bx_choice;

/* What is wanted of one element. Objects are owned by the plan. */
struct bx_node {
    bx_kind kind;
    uint32_t accepts; /* a bit for each type slot */
    PyObject *label;
    PyObject *cls;
    PyObject *values; /* dict: of LOOKUP to results, of TAGGED to the positions of `items` */
    PyObject *call;
    PyObject *key; /* of TAGGED */
    const char *key_text;
    Py_ssize_t key_size;
    const bx_node *item; /* of UNION: for types without alternatives */
    const bx_node **items;
    int count;
    const bx_model *model;
    bx_choice *choices; /* of UNION: by type slot */
};

/* Size of the name of a field that is not in documents: longer than any. */
#define BX_NO_NAME UINT32_MAX

/* What is used for each document comes first, in one line of the processor's cache. */
typedef struct {
    uint64_t head, tail;  /* the first 16 bytes of `text` and its NUL */
    const bx_node *node;
    PyObject *name;       /* attribute, argument or dict key */
    Py_ssize_t slot;      /* offset in the instance, or 0 */
    uint32_t size;        /* of `text` */
    bool takes_str;       /* strings are taken as they are */
    bool late;            /* no argument, but set on the instance afterwards */
    enum { BX_NO_DEFAULT, BX_DEFAULT, BX_FACTORY, BX_MAY_BE_ABSENT } otherwise;
    PyObject *key;        /* name in documents */
    const char *text;
    uint64_t head2, tail2; /* the last 16 bytes, if there are that many */
    PyObject *fallback;   /* the default or its factory; NULL: required */
} bx_field;

/* One name in the table of a model. */
typedef struct {
    const char *text; /* NULL: empty */
    uint32_t size;
    uint32_t hash;
    int field;
    bool weak; /* counts only if the field's proper name does not occur */
} bx_field_name;

struct bx_model {
    PyTypeObject *cls;
    PyObject *label;
    bx_build build;
    bx_unknown unknown;
    bx_field *fields;
    int count;
    int arguments;        /* of CALL: how many fields are not late */
    int *follow;          /* by 1 + a field, or 0 at the start: the field that came next last time,
                           * in whatever thread: only guesses */
    bool all_slots;       /* every field has a slot, and nothing else need be done */
    bool plain_alloc;     /* instances are allocated as CPython does by default */
    bx_field_name *names; /* open addressing */
    uint32_t names_mask;
    PyObject *all_names; /* of CALL: tuple of arguments; of PYDANTIC: set to be copied */
    PyObject *no_values; /* of PYDANTIC: dict of all names, to be copied */
    PyObject *post_init; /* NULL: none */
    bool post_init_argument;
    PyObject *tag_field, *tag; /* NULL: none */
    const char *tag_text;
    Py_ssize_t tag_size;
    const bx_node *fallback;
    const bx_node *rest; /* of fields that are kept without being declared */
    Py_ssize_t fields_set, extra, private_; /* slots of a pydantic model, or 0 */
};

/* The compiled plan: owns the structs and the objects they refer to. */
struct bx_plan {
    PyObject_HEAD
    PyObject *objects; /* list */
    void **blocks;
    size_t block_count, block_room;
    const bx_node *top;
};

/* The type of compiled plans. */
PyTypeObject *bx_plan_type(PyObject *module);

/* Compile a TypePlan: new reference, or NULL with an exception. */
bx_plan *bx_plan_compile(bx_typed *typed, PyObject *type_plan);

/* The hash that the names of a model are found by. */
uint32_t bx_hash_name(const char *text, size_t size);

/* Whether instances are allocated as CPython does by default. */
bool bx_has_plain_alloc(PyTypeObject *cls);

/* An instance with nothing in it, and unknown to the collector until it is complete if that can be
 * (`plain`: the above): that is quicker, above all where instances get room for attributes that is
 * not used. */
PyObject *bx_new_instance(PyTypeObject *cls, bool plain);

/* Whether a value cannot be part of a cycle. */
BX_INLINE bool bx_is_flat(PyObject *value)
{
    return value == NULL || !PyType_IS_GC(Py_TYPE(value)) ||
           (PyTuple_CheckExact(value) && !PyObject_GC_IsTracked(value));
}

/* Whether structs of msgspec can be filled in place: compared, once, with those that msgspec
 * makes. -1 with an exception. */
int bx_structs_are_known(bx_typed *typed);

#endif
