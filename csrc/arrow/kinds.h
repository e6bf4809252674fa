/* What a column of values is, as bsonx/_py/arrow/kinds.py numbers it: that module reads the formats
 * of schemas and makes plans of them, for both implementations. */
#ifndef BSONX_ARROW_KINDS_H
#define BSONX_ARROW_KINDS_H

enum {
    BX_A_NULL = 0,
    BX_A_BOOL,        /* a: 8 for those that are bytes */
    BX_A_INT8,
    BX_A_UINT8,
    BX_A_INT16,
    BX_A_UINT16,
    BX_A_INT32,
    BX_A_UINT32,
    BX_A_INT64,
    BX_A_UINT64,
    BX_A_FLOAT16,
    BX_A_FLOAT32,
    BX_A_FLOAT64,
    BX_A_DECIMAL,     /* a: scale, b: bits (32, 64, 128) */
    BX_A_TEXT,        /* a: bits of an offset, b: form; so are binaries */
    BX_A_TEXT_VIEW,   /* b: form */
    BX_A_BINARY,      /* b: form */
    BX_A_BINARY_VIEW, /* b: form */
    BX_A_FIXED,       /* a: bytes of a value, b: form */
    BX_A_DATE32,
    BX_A_DATE64,
    BX_A_TIMESTAMP,   /* a: units to multiply, b: to divide by, for milliseconds */
    BX_A_LIST,        /* a: bits of an offset */
    BX_A_LIST_VIEW,   /* a: bits of an offset */
    BX_A_FIXED_LIST,  /* a: values of a list */
    BX_A_STRUCT,
    BX_A_MAP,         /* with keys that are text: a document */
    BX_A_DICTIONARY,  /* a: kind of the indices; child: values */
    BX_A_RUNS,        /* a: kind of the run ends; children: run ends, values */
    BX_A_UNION,       /* a: 1 for dense ones, b: the plan's table of children by type id */
    BX_A_KINDS
};

/* Forms: what a text or bytes become. Those of 0 and more are subtypes of Binary. */
#define BX_A_FORM_STRING (-1)
#define BX_A_FORM_CODE (-2)
#define BX_A_FORM_OBJECTID (-3)
#define BX_A_FORM_DECIMAL128 (-4)

#endif
