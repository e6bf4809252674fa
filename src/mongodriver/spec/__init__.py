"""The specifications as pure state machines: no sockets, threads, clocks or sleeping."""
