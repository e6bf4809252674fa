"""Where the driver touches the outside: sockets, TLS, DNS, waiting and background work."""
