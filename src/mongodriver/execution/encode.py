"""Stage "encode": the message of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ops.base import COMMAND_OVERHEAD
from ..values.sequences import DocumentSequences, EncodedDocuments
from ..wire.header import BODY_OFFSET, EXHAUST_ALLOWED, MORE_TO_COME, next_request_id
from ..wire.op_msg import DocumentTooLarge, encode_batch, encode_message, with_sequences

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..ops.base import Command
    from .execution import Execution


def encode(execution: Execution, connection: Connection, command: Command) -> bytes:
    """One OP_MSG, within the limits of the connection; ``execution.stop`` says how far it goes.

    :raises DocumentTooLarge: for what no message can carry.
    """
    operation = execution.operation
    flags = 0 if operation.acknowledged else MORE_TO_COME
    if operation.exhaust:
        flags |= EXHAUST_ALLOWED
    execution.request_id = request_id = next_request_id()
    documents = command.documents
    if documents is None:
        message = encode_message(request_id, flags, command.body, operation.codec_options)
        size = len(message) - BODY_OFFSET
        if size > connection.max_bson_size and size > largest_body(execution, connection):
            raise operation.document_too_large(size, largest_body(execution, connection))
        return message
    if type(documents) is DocumentSequences:
        message = encode_message(request_id, flags, command.body, operation.codec_options)
        return with_sequences(message, documents.encoded)
    if type(documents) is EncodedDocuments:
        begin, end = choose(execution, connection, command)
        message = encode_message(request_id, flags, command.body, operation.codec_options)
        chosen = memoryview(documents.data)[begin:end]
        return with_sequences(message, {command.identifier: (chosen,)})
    try:
        message, execution.stop = encode_batch(
            request_id,
            flags,
            command.body,
            command.identifier,
            documents,
            command.start,
            operation.codec_options,
            max_count=command.max_count or connection.max_write_batch_size,
            max_document_size=command.max_document_size or connection.max_bson_size,
            max_message_size=connection.max_message_size,
            add_ids=command.add_ids,
            ids=command.ids,
        )
    except DocumentTooLarge as exc:
        raise operation.document_too_large(exc.size, exc.limit) from exc
    return message


def choose(execution: Execution, connection: Connection, command: Command) -> tuple[int, int]:
    """Where the documents that the next message takes begin and end, of those encoded already.

    :raises DocumentTooLarge: for what no message can carry.
    """
    documents = command.documents
    start = command.start
    largest = command.max_document_size or connection.max_bson_size
    room = connection.max_message_size - COMMAND_OVERHEAD
    execution.stop = stop = documents.stop(
        start, command.max_count or connection.max_write_batch_size, room, largest
    )
    begin, end = documents.begin(start), documents.ends[stop - 1]
    if stop == start + 1 and end - begin > largest:
        raise execution.operation.document_too_large(end - begin, largest)
    return begin, end


def largest_body(execution: Execution, connection: Connection) -> int:
    """The largest command without a sequence that the server takes, in bytes."""
    room = 0 if execution.operation.within_a_document else COMMAND_OVERHEAD
    return connection.max_bson_size + room
