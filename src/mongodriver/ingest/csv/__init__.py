"""CSV: how it is written, the types of its columns, and its text as it comes from a stream."""
