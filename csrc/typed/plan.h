/* Decode plans in C: what `bsonx._typed.plan` describes, compiled once per type into structs. */
#ifndef BSONX_PLAN_H
#define BSONX_PLAN_H

#include "core/decode_inline.h"

/* Kinds of nodes, builds and ways with unknown fields: the numbers of bsonx._typed.plan. */
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
    int *follow;          /* by 1 + a field, or 0 at the start: the field that came next last time */
    bool all_slots;       /* every field has a slot, and nothing else need be done */
    bool plain_alloc;     /* instances are allocated as CPython does by default */
    bx_field_name *names; /* open addressing */
    uint32_t names_mask;
    PyObject *all_names; /* of CALL: tuple; of PYDANTIC: set to be copied */
    PyObject *no_values; /* of PYDANTIC: dict of all names, to be copied */
    PyObject *post_init; /* NULL: none */
    bool post_init_argument;
    PyObject *tag_field, *tag; /* NULL: none */
    const char *tag_text;
    Py_ssize_t tag_size;
    const bx_node *fallback;
    Py_ssize_t fields_set, extra, private_; /* slots of a pydantic model */
};

/* The compiled plan: owns the structs and the objects they refer to. */
typedef struct bx_plan {
    PyObject_HEAD
    PyObject *objects; /* list */
    void **blocks;
    size_t block_count, block_room;
    const bx_node *top;
} bx_plan;

/* What typed decoding needs of Python, imported at first use. */
#define BX_TYPED_OBJECTS(X)                                                                       \
    X(TypedDecodeError, "bsonx._typed.errors", "TypedDecodeError")                                \
    X(USER_ERRORS, "bsonx._typed.errors", "USER_ERRORS")                                          \
    X(wrap_error, "bsonx._typed.errors", "wrap_error")                                            \
    X(MISSING, "bsonx._typed.plan", "MISSING")                                                          \
    X(ABSENT, "bsonx._typed.plan", "ABSENT")                                                            \
    X(TypePlan, "bsonx._typed.plan", "TypePlan")                                                        \
    X(options_for, "bsonx.typed", "options_for")                                                  \
    X(typed_plan, "bsonx._typed.plan", "typed_plan")                                                    \
    X(EncodePlan, "bsonx._typed.encode", "EncodePlan")                                             \
    X(encode_plan_for, "bsonx._typed.encode", "encode_plan_for")                                   \
    X(simplified, "bsonx._typed.profile", "simplified")

typedef struct bx_typed {
#define X(name, module, attribute) PyObject *name;
    BX_TYPED_OBJECTS(X)
#undef X
    PyObject *no_arguments; /* () */
    PyTypeObject *Plan, *CompiledEncodePlan;
    Py_ssize_t type_slot, options_slot; /* of TypePlan */
    Py_ssize_t compiled_slot;           /* of EncodePlan */
    /* found when their modules are imported by others; NULL before */
    PyObject *Enum, *Decimal, *PurePath, *numpy_generic;
} bx_typed;

/* The above, bound; NULL with an exception. */
bx_typed *bx_typed_get(bx_state *st);
void bx_typed_free(bx_typed *typed);
int bx_typed_traverse(bx_typed *typed, visitproc visit, void *arg);

/* The offset of an attribute that is a plain slot of the class, else 0. */
Py_ssize_t bx_slot_offset(PyTypeObject *cls, PyObject *name);

/* The type of compiled encode plans (plan_encode.c). */
PyTypeObject *bx_encode_plan_type(PyObject *module);

/* The plan behind a document_class: 1 with a new reference, 0 for mapping classes, -1 error. */
int bx_plan_of_class(bx_state *st, PyObject *document_class, bx_plan **plan);

/* CodecOptions that decode to `type`, otherwise like `codec_options` (may be None): new reference,
 * or NULL with an exception. */
PyObject *bx_options_for_type(bx_state *st, PyObject *type, PyObject *codec_options);

/* The document at `p` (bounds checked) as the options' plan says; NULL with an exception. */
PyObject *bx_decode_typed(bx_decoder *d, const uint8_t *p);

/* As bx_decode_value, for a field of a reply that holds the user's documents. */
PyObject *bx_decode_user_value(bx_decoder *d, uint8_t type, const uint8_t **at,
                               const uint8_t *end, PyObject *name, const uint8_t *element);

/* ---- between the files of plans ---- */

/* One document on its way. Values wait on a stack until their container is complete. */
typedef struct {
    bx_decoder *d;
    bx_typed *typed;
    PyObject **stack;
    size_t top, room;
    int64_t retries; /* bytes that may still be read in vain */
} bx_run;

/* An element's place: the type byte, the end of the document around it (its final NUL), and the
 * name of its field for messages. */
typedef struct {
    const uint8_t *element;
    const uint8_t *end;
    PyObject *name;
} bx_place;

/* The hash that the names of a model are found by. */
uint32_t bx_hash_name(const char *text, size_t size);

/* Push the items of the array at *at, by position of `nodes`; -1 with an exception. */
int bx_push_positions(bx_run *run, const bx_node *const *nodes, int count, PyObject *label,
                      const uint8_t **at, const bx_place *place);

/* InvalidBSON for the unknown type of the element whose name ends before `value`. Always NULL. */
BX_COLD void *bx_bad_type_at(bx_decoder *d, const uint8_t *element, const uint8_t *value);

/* The value at *at for a node; moves *at behind it. NULL with an exception. */
PyObject *bx_read_node(bx_run *run, const bx_node *node, uint8_t type, const uint8_t **at,
                       const bx_place *place);
PyObject *bx_read_model(bx_run *run, const bx_node *node, uint8_t type, const uint8_t **at,
                        const bx_place *place);

/* Enter the document or array at *at: its first element and its final NUL; *at moves behind it.
 * -1 with an exception. Every success needs a bx_run_leave. */
BX_INLINE int bx_run_enter(bx_run *run, uint8_t type, const uint8_t **at, const uint8_t *end,
                          const uint8_t **first, const uint8_t **last)
{
    if (BX_UNLIKELY(!bx_enter(&run->d->guard))) {
        bx_too_deep(run->d, *at, type == BX_ARRAY ? "list value" : "BSON document");
        return -1;
    }
    if (BX_UNLIKELY(!bx_embedded_bounds(at, end, first, last))) {
        bx_bad_element(run->d, *at);
        return -1;
    }
    return 0;
}

BX_INLINE void bx_run_leave(bx_run *run) { bx_leave(&run->d->guard); }

/* Push a value or NULL (taking the reference, also on failure); -1 with MemoryError. */
int bx_run_grow(bx_run *run, size_t more);
BX_INLINE int bx_push(bx_run *run, PyObject *value)
{
    if (BX_UNLIKELY(run->top == run->room) && bx_run_grow(run, 1) < 0) {
        Py_XDECREF(value);
        return -1;
    }
    run->stack[run->top++] = value;
    return 0;
}

/* Drop what was pushed since the stack was `base` high. */
void bx_drop(bx_run *run, size_t base);

/* Pay for a value that is to be read again; -1 with InvalidBSON if that happens too often. */
int bx_pay_retry(bx_run *run, uint8_t type, const uint8_t *p);

/* Step over a value that nobody wants; -1 with InvalidBSON. */
int bx_skip_value(bx_run *run, uint8_t type, const uint8_t **at, const bx_place *place);

/* The str or int of a tag at `p`, None for another type; NULL with an exception. Moves *at. */
PyObject *bx_read_tag(bx_run *run, uint8_t type, const uint8_t **at, const bx_place *place);

/* TypedDecodeError at `p`. Always NULL. `reason` is a format of PyUnicode_FromFormat. */
BX_COLD void *bx_misfit(bx_run *run, const uint8_t *p, const char *reason, ...);

/* Whether the pending exception is a TypedDecodeError. */
bool bx_is_misfit(bx_run *run);

/* Note a step of the path (a str or an index) in a pending TypedDecodeError. Always NULL. */
BX_COLD void *bx_misfit_in_field(bx_run *run, PyObject *key);
BX_COLD void *bx_misfit_in_item(bx_run *run, Py_ssize_t index);

/* Turn a pending error of user code, called for the element at `p`, into a TypedDecodeError. Always
 * NULL. */
BX_COLD void *bx_wrap_user_error(bx_run *run, const uint8_t *p);

/* The server's name of an element type. */
const char *bx_type_name(uint8_t type);

#endif
