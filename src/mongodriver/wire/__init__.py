"""Messages of the MongoDB wire protocol: pure functions over bytes."""
