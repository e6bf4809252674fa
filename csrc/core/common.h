/* What every file of the codec shares: compiler helpers, little-endian loads and stores, and the
 * few places where CPython 3.11 to 3.14 differ. */
#ifndef BSONX_COMMON_H
#define BSONX_COMMON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define BX_LIKELY(x) __builtin_expect(!!(x), 1)
#define BX_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define BX_INLINE static inline __attribute__((always_inline))
#define BX_COLD __attribute__((cold, noinline))
#define BX_PREFETCH(p) __builtin_prefetch(p)
#define BX_NOINLINE __attribute__((noinline))
#define BX_UNUSED __attribute__((unused))
#define BX_THREAD_LOCAL _Thread_local
#else
#define BX_LIKELY(x) (x)
#define BX_UNLIKELY(x) (x)
#define BX_INLINE static __forceinline
#define BX_COLD __declspec(noinline)
#define BX_PREFETCH(p) ((void)(p))
#define BX_NOINLINE __declspec(noinline)
#define BX_UNUSED
#define BX_THREAD_LOCAL __declspec(thread)
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define BX_BIG_ENDIAN 1
#else
#define BX_BIG_ENDIAN 0
#endif

#if defined(__x86_64__) || defined(_M_X64)
#define BX_SSE2 1
#include <emmintrin.h>
#else
#define BX_SSE2 0
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define BX_MSVC 1
#include <intrin.h>
#else
#define BX_MSVC 0
#endif

/* Element types of the BSON specification. */
enum {
    BX_DOUBLE = 0x01,
    BX_STRING = 0x02,
    BX_DOCUMENT = 0x03,
    BX_ARRAY = 0x04,
    BX_BINARY = 0x05,
    BX_UNDEFINED = 0x06,
    BX_OBJECTID = 0x07,
    BX_BOOL = 0x08,
    BX_DATETIME = 0x09,
    BX_NULL = 0x0A,
    BX_REGEX = 0x0B,
    BX_DBPOINTER = 0x0C,
    BX_CODE = 0x0D,
    BX_SYMBOL = 0x0E,
    BX_CODE_W_SCOPE = 0x0F,
    BX_INT32 = 0x10,
    BX_TIMESTAMP = 0x11,
    BX_INT64 = 0x12,
    BX_DECIMAL128 = 0x13,
    BX_MAXKEY = 0x7F,
    BX_MINKEY = 0xFF
};

/* The `_type_marker` of the BSON types of every compatible package. */
enum {
    BX_MARK_BINARY = 5,
    BX_MARK_OBJECTID = 7,
    BX_MARK_DATETIME = 9,
    BX_MARK_REGEX = 11,
    BX_MARK_CODE = 13,
    BX_MARK_TIMESTAMP = 17,
    BX_MARK_INT64 = 18,
    BX_MARK_DECIMAL128 = 19,
    BX_MARK_DBREF = 100,
    BX_MARK_RAW = 101, /* RawBSONDocument */
    BX_MARK_MAXKEY = 127,
    BX_MARK_MINKEY = 255
};

/* Documents nested deeper than this are refused in both directions. The server allows about 180. */
#define BX_MAX_DEPTH 1000

BX_INLINE uint32_t bx_load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
#if BX_BIG_ENDIAN
    v = __builtin_bswap32(v);
#endif
    return v;
}

BX_INLINE uint64_t bx_load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
#if BX_BIG_ENDIAN
    v = __builtin_bswap64(v);
#endif
    return v;
}

BX_INLINE void bx_store32(uint8_t *p, uint32_t v)
{
#if BX_BIG_ENDIAN
    v = __builtin_bswap32(v);
#endif
    memcpy(p, &v, 4);
}

BX_INLINE void bx_store64(uint8_t *p, uint64_t v)
{
#if BX_BIG_ENDIAN
    v = __builtin_bswap64(v);
#endif
    memcpy(p, &v, 8);
}

BX_INLINE double bx_load_double(const uint8_t *p)
{
    uint64_t bits = bx_load64(p);
    double v;
    memcpy(&v, &bits, 8);
    return v;
}

BX_INLINE void bx_store_double(uint8_t *p, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, 8);
    bx_store64(p, bits);
}

/* A non-zero result has its lowest set bit in the first zero byte of `w` (little-endian order). */
BX_INLINE uint64_t bx_zero_byte(uint64_t w)
{
    return (w - UINT64_C(0x0101010101010101)) & ~w & UINT64_C(0x8080808080808080);
}

/* A hash of two words: its high bits are the good ones. */
BX_INLINE uint64_t bx_hash_words(uint64_t head, uint64_t tail)
{
    return head * UINT64_C(0x9E3779B97F4A7C15) + tail * UINT64_C(0xC2B2AE3D27D4EB4F);
}

/* The zero bits below the lowest set bit, and above the highest one; `v` is not 0. */
BX_INLINE int bx_ctz64(uint64_t v)
{
#if BX_MSVC && defined(_WIN64)
    unsigned long i;
    _BitScanForward64(&i, v);
    return (int)i;
#elif BX_MSVC
    unsigned long i;
    if (_BitScanForward(&i, (unsigned long)v)) return (int)i;
    _BitScanForward(&i, (unsigned long)(v >> 32));
    return (int)i + 32;
#else
    return __builtin_ctzll(v);
#endif
}

BX_INLINE int bx_clz64(uint64_t v)
{
#if BX_MSVC && defined(_WIN64)
    unsigned long i;
    _BitScanReverse64(&i, v);
    return 63 - (int)i;
#elif BX_MSVC
    unsigned long i;
    if (_BitScanReverse(&i, (unsigned long)(v >> 32))) return 31 - (int)i;
    _BitScanReverse(&i, (unsigned long)v);
    return 63 - (int)i;
#else
    return __builtin_clzll(v);
#endif
}

/* ---- differences between CPython versions ---- */

#if PY_VERSION_HEX < 0x030D0000 && !defined(Py_BEGIN_CRITICAL_SECTION)
#define Py_BEGIN_CRITICAL_SECTION(op) {
#define Py_END_CRITICAL_SECTION() }
#endif

#if defined(Py_GIL_DISABLED)
#define BX_FREE_THREADED 1
#else
#define BX_FREE_THREADED 0
#endif

#if PY_VERSION_HEX >= 0x030D0000 && PY_VERSION_HEX < 0x030E0000
PyAPI_FUNC(Py_hash_t) _Py_HashBytes(const void *, Py_ssize_t); /* exported, but not declared */
#endif

BX_INLINE Py_hash_t bx_hash_bytes(const void *data, Py_ssize_t size)
{
#if PY_VERSION_HEX >= 0x030E0000
    return Py_HashBuffer(data, size);
#else
    return _Py_HashBytes(data, size);
#endif
}

/* A dict of `n` pairs, keys and values in turn; of equal keys the last wins. It is made in its size
 * where that is quicker, which spares the rehashing while it grows. For documents of less than
 * BX_GROWING_DICT bytes with keys of their own that does not pay: adding to a dict costs less than
 * noting what is to be added. */
#if PY_VERSION_HEX >= 0x030D0000 && PY_VERSION_HEX < 0x03100000
/* Exported, but not declared for us: what the interpreter makes dict displays with. */
PyAPI_FUNC(PyObject *) _PyDict_FromItems(PyObject *const *keys, Py_ssize_t keys_offset,
                                         PyObject *const *values, Py_ssize_t values_offset,
                                         Py_ssize_t length);

#define BX_GROWING_DICT 0

BX_INLINE PyObject *bx_dict_of_pairs(PyObject *const *pairs, Py_ssize_t n)
{
    return _PyDict_FromItems(pairs, 2, pairs + 1, 2, n);
}
#else
#define BX_WIDE_DICT 64
#define BX_GROWING_DICT 4096

BX_INLINE PyObject *bx_dict_of_pairs(PyObject *const *pairs, Py_ssize_t n)
{
#if PY_VERSION_HEX < 0x030D0000
    /* Looking up takes a little longer in such a dict. */
    PyObject *dict = n > BX_WIDE_DICT ? _PyDict_NewPresized(n) : PyDict_New();
#else
    PyObject *dict = PyDict_New();
#endif

    for (Py_ssize_t i = 0; dict != NULL && i < n; i++) {
        if (BX_UNLIKELY(PyDict_SetItem(dict, pairs[2 * i], pairs[2 * i + 1]) < 0)) Py_CLEAR(dict);
    }
    return dict;
}
#endif

/* A visitproc: gives back every reference that a traversal visits. */
static inline int bx_give_back(PyObject *object, void *Py_UNUSED(arg))
{
    Py_DECREF(object);
    return 0;
}

/* Look a key up in an exact dict: 1 found (new reference), 0 missing, -1 error. */
BX_INLINE int bx_dict_get(PyObject *dict, PyObject *key, PyObject **value)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyDict_GetItemRef(dict, key, value);
#else
    *value = Py_XNewRef(PyDict_GetItemWithError(dict, key));
    if (*value != NULL) return 1;
    return PyErr_Occurred() ? -1 : 0;
#endif
}

/* Look an attribute up without raising AttributeError: 1 found (new reference), 0 missing,
 * -1 another error. */
BX_INLINE int bx_getattr_optional(PyObject *object, PyObject *name, PyObject **value)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyObject_GetOptionalAttr(object, name, value);
#else
    return _PyObject_LookupAttr(object, name, value);
#endif
}

/* What a class or a base has under a name, as it stands there: new reference, or NULL without an
 * exception. */
BX_INLINE PyObject *bx_type_lookup(PyTypeObject *type, PyObject *name)
{
#if defined(Py_GIL_DISABLED)
    return _PyType_LookupRef(type, name);
#else
    return Py_XNewRef(_PyType_Lookup(type, name));
#endif
}

/* The object at an offset in an instance, which other threads may replace: new reference, or NULL
 * without an exception. */
BX_INLINE PyObject *bx_slot_get(PyObject *instance, Py_ssize_t offset)
{
    PyObject *value;

    Py_BEGIN_CRITICAL_SECTION(instance);
    value = Py_XNewRef(*(PyObject **)((char *)instance + offset));
    Py_END_CRITICAL_SECTION();
    return value;
}

/* Take the pending exception as one normalised object (new reference, NULL if none). */
BX_INLINE PyObject *bx_take_exception(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (type == NULL) return NULL;
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) PyException_SetTraceback(value, traceback);
    Py_DECREF(type);
    Py_XDECREF(traceback);
    return value;
#endif
}

/* Raise an exception object (steals the reference). */
BX_INLINE void bx_raise_exception(PyObject *exception)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(exception);
#else
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(exception)), exception,
                  PyException_GetTraceback(exception));
#endif
}

#endif
