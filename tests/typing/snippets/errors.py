from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ClientBulkWriteException,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)


def show(bulk: BulkWriteError, client: ClientBulkWriteException, failure: OperationFailure) -> None:
    reveal_type(bulk.details)
    print(bulk.details["writeErrors"][0]["errmsg"])
    reveal_type(client.partial_result)
    reveal_type(client.write_errors)
    reveal_type(client.details["error"])
    reveal_type(failure.code)
    print(failure.details["errmsg"])
    reveal_type(failure.has_error_label("x"))
    reveal_type(AutoReconnect().details)


try:
    pass
except DuplicateKeyError as exc:
    reveal_type(exc.details)
except (ServerSelectionTimeoutError, PyMongoError) as exc:
    reveal_type(exc.timeout)
    exc.code
