"""The scalar types in pure Python: the twins of csrc/types."""
