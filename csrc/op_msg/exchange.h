/* A command out and its reply in, over a plain socket: encoding, sending, receiving, checking and
 * decoding without an object in between. POSIX only. */
#ifndef BSONX_EXCHANGE_H
#define BSONX_EXCHANGE_H

#include "op_msg/op_msg.h"

/* The other end. `stream` has a method `close`, which is called when the exchange breaks off after
 * a byte may have been sent: the socket then carries half a message. A blocking socket should have
 * SO_RCVTIMEO: so often an exchange without limit looks for signals, which end a wait only if they
 * arrive in it. */
typedef struct {
    PyObject *stream;
    int fd;
    double timeout; /* seconds for all of it; negative: no limit */
    Py_ssize_t max_reply_size;
} bx_peer;

typedef struct {
    PyObject *codec_options; /* of the reply */
    PyObject *user_fields;
    bool joins; /* see bx_decode_message */
} bx_reply_form;

/* The command of a batch (`documents` NULL: the body, of at most `max_document_size` bytes, and what
 * is encoded already, which is sent from where it is).
 * Returns the reply as bx_decode_message does or, where the general way must be taken:
 *
 *   bytes  what was received is not just the uncompressed OP_MSG that answers it, or cannot be decoded
 *          so; it is all that has been received, b"" if the peer has closed the connection;
 *   int    the size of a body that is too large; nothing was sent.
 *
 * `*stop` is the index after the last document sent. NULL with an exception: OSError, TimeoutError,
 * what encoding and decoding raise, or what a signal handler raised. */
PyObject *bx_exchange(bx_state *st, const bx_peer *peer, const bx_batch *batch,
                      const bx_reply_form *form, Py_ssize_t *stop);

#endif
