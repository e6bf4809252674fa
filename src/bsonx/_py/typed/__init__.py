"""Typed documents in pure Python: the twin of csrc/typed."""
