"""From connection strings and keyword arguments to the options of a client."""
