import ssl
from typing import Any

from pymongo import MongoClient
from pymongo.driver_info import DriverInfo
from pymongo.server_api import ServerApi, ServerApiVersion

client: MongoClient[dict[str, Any]] = MongoClient(
    host="localhost",
    port=27017,
    tz_aware=True,
    connect=False,
    maxPoolSize=50,
    server_api=ServerApi(ServerApiVersion.V1, strict=True),
    driver=DriverInfo("x", "1", "y"),
    ssl_cert_reqs=ssl.CERT_REQUIRED,
)
reveal_type(client.options.pool_options.max_pool_size)
reveal_type(client.options.server_selection_timeout)
reveal_type(client.options.retry_writes)
client.append_metadata(DriverInfo("x"))
client.append_metadata("x")
MongoClient[dict[str, Any]](tz_aware="yes")
ServerApi(1)
