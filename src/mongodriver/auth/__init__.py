"""Authentication: credentials, mechanisms, and the conversation over a new connection."""
