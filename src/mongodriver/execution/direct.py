"""The stages encode, round trip and decode in one call of the codec, over a plain blocking socket.

The same as going step by step (`exchange`), which remains the way for TLS, compression, watched
commands, asyncio, and whatever does not come as usual.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from bsonx._impl import exchange as exchange_in_c

from ..values.sequences import EncodedDocuments
from ..wire.header import next_request_id
from ..wire.op_msg import DocumentTooLarge
from .decode import decode
from .encode import choose, largest_body
from .round_trip import connection_lost
from .time_limit import reply_deadline

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..ops.base import Command
    from .execution import Execution
    from .executor import Executor


def may_go_directly(executor: Executor, execution: Execution, connection: Connection) -> bool:
    """Whether an exchange is of the kind that one call can do, and nobody looks on."""
    operation = execution.operation
    return (
        connection.stream.fd >= 0
        and connection.compressor is None
        and not executor.observer.commands
        and executor.cipher is None
        and operation.acknowledged
        and operation.goes_directly
        and not connection.more_to_come
        and (
            operation.user_fields is not None
            # Else the driver's own fields would have to be read apart.
            or (operation.reply_options or operation.codec_options).document_class is dict
        )
    )


def exchange_directly(
    executor: Executor, execution: Execution, connection: Connection, command: Command
) -> Any:
    """Send a command; a tuple of flags and the reply where all is as usual.

    Anything else is for `finish_exchange`.

    :raises: what the stages raise.
    """
    operation = execution.operation
    stream = connection.stream
    execution.request_id = request_id = next_request_id()
    deadline = reply_deadline(executor, execution, connection)
    if deadline is not None:
        execution.reply_deadline = deadline
    documents = command.documents
    sequence: Any
    if documents is None:
        sequence = largest_body(execution, connection)
    elif type(documents) is EncodedDocuments:
        begin, end = choose(execution, connection, command)
        largest = largest_body(execution, connection)
        sequence = (largest, command.identifier, documents.data, begin, end)
        documents = None  # the codec does not choose
    else:
        sequence = (
            command.identifier,
            documents,
            command.start,
            command.max_count or connection.max_write_batch_size,
            command.max_document_size or connection.max_bson_size,
            connection.max_message_size,
            command.add_ids,
            command.ids,
        )
    options = operation.codec_options
    try:
        outcome: Any = exchange_in_c(  # type: ignore[misc]
            stream,
            stream.fd,
            None if deadline is None else max(deadline - monotonic(), 0.0),
            connection.max_reply_size,
            request_id,
            0,
            command.body,
            options,
            sequence,
            operation.reply_options or options,
            operation.user_fields,
            operation.gives_bytes,
        )
    except OSError as exc:
        execution.sent = stream.closed
        if not stream.closed:
            raise  # not of the connection: of a class or decoder of the user's
        raise connection_lost(executor, execution, connection, exc) from exc
    except DocumentTooLarge as exc:
        raise operation.document_too_large(exc.size, exc.limit) from exc
    except BaseException as exc:
        # What the codec refuses of the command was never sent; of a reply it goes another way.
        execution.sent = stream.closed or not isinstance(exc, Exception)
        if stream.closed:
            execution.give_up_session()
        raise
    execution.sent = True
    if documents is not None:
        outcome, execution.stop = outcome
    return outcome


async def finish_exchange(
    executor: Executor, execution: Execution, connection: Connection, outcome: bytes | int
) -> Any:
    """The reply, after what came was no plain answer; what was to be sent may not have been.

    :raises: what the stages raise.
    """
    operation = execution.operation
    if isinstance(outcome, int):
        execution.sent = False
        raise operation.document_too_large(outcome, largest_body(execution, connection))
    try:
        data = await connection.finish(outcome, execution.request_id, execution.reply_deadline)
    except OSError as exc:
        raise connection_lost(executor, execution, connection, exc) from exc
    except BaseException:
        execution.give_up_session()
        raise
    return decode(execution, connection, data)
