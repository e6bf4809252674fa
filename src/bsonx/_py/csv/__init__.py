"""Typed CSV: from text to BSON, in pure Python. The C of ``csrc/csv`` does the same."""
