"""Commands as data: what goes on the wire and what its reply means, without any I/O."""
