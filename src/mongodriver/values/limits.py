"""Defaults and limits. Times are in seconds unless their name says otherwise."""

# What the server says if it says nothing.
MAX_BSON_SIZE = 16 * 1024 * 1024
MAX_MESSAGE_SIZE = 48_000_000
MAX_WRITE_BATCH_SIZE = 100_000
# The largest reply that is accepted, whatever the server says of itself, in bytes: twice what
# servers announce, and many times what they send, for replies are single documents.
MAX_REPLY_SIZE = 2 * MAX_MESSAGE_SIZE

# The servers the driver works with.
MIN_SUPPORTED_SERVER_VERSION = "4.4"
MIN_SUPPORTED_WIRE_VERSION = 9
MAX_SUPPORTED_WIRE_VERSION = 29

# Discovery and selection.
HEARTBEAT_FREQUENCY = 10
MIN_HEARTBEAT_INTERVAL = 0.5
LOCAL_THRESHOLD_MS = 15
SERVER_SELECTION_TIMEOUT = 30
SERVER_MONITORING_MODE = "auto"
SRV_SERVICE_NAME = "mongodb"

# DNS: how often hosts are looked up again at most, and for how long a resolver that should have
# given up is still waited for.
MIN_SRV_RESCAN_INTERVAL = 60
DNS_GRACE = 1.0

# Pools and connections.
MAX_POOL_SIZE = 100
MIN_POOL_SIZE = 0
MAX_CONNECTING = 2
MAX_IDLE_TIME_SEC = None
WAIT_QUEUE_TIMEOUT = None
CONNECT_TIMEOUT = 20.0

# Operations.
RETRY_READS = True
RETRY_WRITES = True
MAX_ADAPTIVE_RETRIES = 2
ENABLE_OVERLOAD_RETARGETING = False

# Transactions: milliseconds a repeated commit may wait for a majority; how long `with_transaction`
# tries again, and its pauses.
COMMIT_RETRY_WTIMEOUT = 10_000
WITH_TRANSACTION_TIMEOUT = 120.0
TRANSACTION_BACKOFF = 0.005
MAX_TRANSACTION_BACKOFF = 0.5

# Housekeeping.
KILL_CURSOR_FREQUENCY = 1
# Of one command.
MAX_END_SESSIONS = 10_000
MAX_KILL_CURSORS = 10_000
# What a server may take to answer killCursors.
KILL_CURSORS_TIMEOUT = 5
# After which a server closes a cursor that nobody reads, by default.
SERVER_CURSOR_LIFETIME = 600

# Closing a client: in all, and what it may take of that to tell the servers.
CLOSE_TIMEOUT = 0.7
FAREWELL_TIMEOUT = 0.3
