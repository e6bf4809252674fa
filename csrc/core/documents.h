/* BSON documents one behind the other, as a document sequence has them, and where each ends. They
 * are written by whatever reads a source: text, columns, Python's mappings. */
#ifndef BSONX_DOCUMENTS_H
#define BSONX_DOCUMENTS_H

#include "core/state.h"
#include "core/writer.h"

/* An element `_id` with an ObjectId: type, name, value. */
#define BX_ID_ELEMENT (1 + 4 + 12)

typedef struct {
    bx_writer w;
    uint32_t *ends; /* where the documents end in the output; `count` of them */
    size_t count;
    size_t room;
    size_t start; /* where the document at hand starts */
    size_t made;  /* how many documents have an `_id` that was put */
    int has_made; /* whether the one at hand is among them */
    const uint8_t *first_id;
} bx_documents;

/* Prepare for documents; ended by finish or abandon. */
void bx_documents_init(bx_documents *d, bx_state *st);

/* Number the ids that are put: that of the first document is `first_id` (12 bytes, which must
 * outlive `d`), and every document counts, also one that needs none. What is read twice so gets
 * the same ids. */
BX_INLINE void bx_documents_number_ids(bx_documents *d, const uint8_t *first_id)
{
    d->first_id = first_id;
}

/* The id `number` places behind `first` (12 bytes each). */
void bx_put_numbered_id(uint8_t *out, const uint8_t *first, size_t number);

/* Note where a document ends, in an array of `room` that grows; -1 with MemoryError. */
int bx_note_end(uint32_t **ends, size_t *count, size_t *room, size_t end);

/* Begin a document: its length is filled in at the end. -1 with an exception. */
int bx_documents_begin(bx_documents *d);

/* Write an `_id` as the first element of the document at hand, which has none yet: a new ObjectId,
 * or the one of its number. -1 with an exception. */
int bx_documents_put_new_id(bx_documents *d, bx_state *st);

/* Take that `_id` out again, whatever follows it: the document turned out to bring one. */
void bx_documents_take_new_id(bx_documents *d);

/* End the document at hand. -1 with an exception. */
int bx_documents_end(bx_documents *d);

/* Forget the document at hand, or, after its end, the last one. */
void bx_documents_drop(bx_documents *d);

/* Whether all documents have an `_id` that was put: no other source can have made the same. */
BX_INLINE int bx_documents_own_ids(const bx_documents *d)
{
    return d->made == d->count;
}

/* The size of the document at hand so far, or, after its end, of the last one. */
BX_INLINE size_t bx_documents_last_size(const bx_documents *d)
{
    return bx_writer_size(&d->w) - d->start;
}

/* (documents: bytes, ends: bytes of native uint32), or NULL with an exception. Ends it. */
PyObject *bx_documents_finish(bx_documents *d);

/* Throw everything away. Ends it. */
void bx_documents_abandon(bx_documents *d);

#endif
