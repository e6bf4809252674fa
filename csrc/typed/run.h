/* The execution of a plan: one document on its way, and what its readers share. */
#ifndef BSONX_TYPED_RUN_H
#define BSONX_TYPED_RUN_H

#include "typed/plan.h"

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
    *first = bx_take_document(at, end, last);
    if (BX_UNLIKELY(*first == NULL)) {
        bx_bad_element(run->d, *at);
        return -1;
    }
    *first += 4;
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
