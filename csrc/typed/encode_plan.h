/* Encode plans in C: what bsonx._typed.encode_nodes describes, compiled once per class. */
#ifndef BSONX_TYPED_ENCODE_PLAN_H
#define BSONX_TYPED_ENCODE_PLAN_H

#include "core/encode.h"

/* Where the value of a field comes from: the first five are the numbers of bsonx._typed.encode_nodes. */
typedef enum {
    BX_FROM_ATTRIBUTE, /* the attribute `name`, in any way */
    BX_FROM_CONSTANT,
    BX_FROM_DUMP,  /* what pydantic made of some fields, under the key `constant` */
    BX_FROM_EXTRA, /* no field: all elements of a dict in the attribute `name` */
    BX_FROM_COUNT,
    BX_FROM_SLOT, /* an attribute at an offset in the instance */
    BX_FROM_DICT  /* an attribute that is looked for in the instance's dict first */
} bx_field_source;

/* One element to be. Objects are owned by the plan. */
typedef struct {
    const uint8_t *header; /* room for the type, the key and its NUL */
    uint32_t header_size;  /* 0: a key that cannot be stored */
    uint32_t header_room;  /* header_size rounded up to whole blocks, which are readable */
    Py_ssize_t slot;
    PyObject *name;
    bx_field_source source;
    bool optional; /* some values are left out: those below, and None for a top-level _id */
    bool is_id; /* at the top */
    PyObject *fallback;  /* a value that is left out, or NULL */
    PyTypeObject *empty; /* a type whose empty instances are left out, or NULL */
    PyObject *key, *constant;
} bx_stored_field;

/* Headers are copied in blocks of this size. */
#define BX_HEADER_BLOCK 16

typedef struct {
    PyObject_HEAD
    PyObject *objects; /* tuple: owns what the others refer to */
    PyTypeObject *cls;
    unsigned int version; /* of the class, when it was last looked at; 0: not to be relied on */
    bool quick;           /* instances are nothing else to the encoder */
    bool generic;         /* and are read in the way of `object` */
    bool in_dict;         /* some fields are looked for in the instance's dict */
    bx_stored_field *top, *nested; /* in their orders */
    Py_ssize_t count;
    PyObject **found;    /* what the class has under the names of `nested` */
    uint8_t *headers;    /* the memory behind those of the fields */
    PyObject *unset;     /* a value that stands for none, or NULL */
    PyObject *dump;      /* function that makes another value of the instance, or NULL */
    PyObject *dump_some; /* function that makes a dict of some fields, or NULL */
} bx_encode_plan;

/* The compiled plan of a class if there is one already, else NULL: new reference. No exception. */
bx_encode_plan *bx_encode_plan_known(bx_state *st, PyTypeObject *cls);

/* The compiled plan of a class: 1 with a new reference, 0 for other classes, -1 error. */
int bx_encode_plan_find(bx_state *st, PyTypeObject *cls, bx_encode_plan **out);

/* Compile anew the plan (a new reference, which is replaced) of a class that has changed, unless
 * nothing of that matters to it. -1 with an exception. */
int bx_encode_plan_refresh(bx_state *st, bx_encode_plan **plan);

/* Whether the class may have changed since the plan was made. */
BX_INLINE bool bx_encode_plan_is_old(const bx_encode_plan *plan)
{
    return plan->version == 0 || plan->version != bx_glance_uint(&plan->cls->tp_version_tag);
}

#endif
