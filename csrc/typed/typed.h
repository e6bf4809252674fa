/* Typed documents as the rest of the codec sees them: what they need of Python, the plans behind
 * document classes, and whole documents. */
#ifndef BSONX_TYPED_H
#define BSONX_TYPED_H

#include "core/decode_inline.h"

typedef struct bx_plan bx_plan;

/* What typed decoding needs of Python, imported at first use. */
#define BX_TYPED_OBJECTS(X)                                                                       \
    X(TypedDecodeError, "bsonx._typed.errors", "TypedDecodeError")                                \
    X(USER_ERRORS, "bsonx._typed.errors", "USER_ERRORS")                                          \
    X(wrap_error, "bsonx._typed.errors", "wrap_error")                                            \
    X(MISSING, "bsonx._typed.nodes", "MISSING")                                                   \
    X(ABSENT, "bsonx._typed.nodes", "ABSENT")                                                     \
    X(TypePlan, "bsonx._typed.nodes", "TypePlan")                                                 \
    X(options_for, "bsonx.typed", "options_for")                                                  \
    X(typed_plan, "bsonx._typed.plan", "typed_plan")                                              \
    X(EncodePlan, "bsonx._typed.encode", "EncodePlan")                                            \
    X(encode_plan_for, "bsonx._typed.encode", "encode_plan_for")                                  \
    X(simplified, "bsonx._typed.profile", "simplified")

/* Found when their modules are imported by others; NULL before. */
#define BX_TYPED_FOUND(X)                                                                         \
    X(Enum)                                                                                       \
    X(Decimal)                                                                                    \
    X(deque)                                                                                      \
    X(PurePath)                                                                                   \
    X(numpy_generic)

typedef struct bx_typed {
#define X(name, module, attribute) PyObject *name;
    BX_TYPED_OBJECTS(X)
#undef X
    PyObject *no_arguments; /* () */
    PyTypeObject *Plan, *CompiledEncodePlan;
    enum { BX_STRUCTS_NOT_TRIED, BX_STRUCTS_KNOWN, BX_STRUCTS_CHANGED } structs; /* of msgspec */
    Py_ssize_t type_slot, options_slot; /* of TypePlan */
    Py_ssize_t compiled_slot;           /* of EncodePlan */
    bool layout_known;                  /* of instances (see attributes.h) */
#define X(name) PyObject *name;
    BX_TYPED_FOUND(X)
#undef X
} bx_typed;

/* The above, bound; NULL with an exception. */
bx_typed *bx_typed_get(bx_state *st);
void bx_typed_free(bx_typed *typed);
int bx_typed_traverse(bx_typed *typed, visitproc visit, void *arg);

/* An attribute of a module that is imported if need be: new reference, or NULL with an exception. */
PyObject *bx_import_object(const char *module_name, const char *name);

/* The offset of an attribute that is a plain slot of the class, else 0. */
Py_ssize_t bx_slot_offset(PyTypeObject *cls, PyObject *name);

/* The type of compiled encode plans (encode_plan.c). */
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

#endif
