"""Extended JSON in pure Python: the twin of csrc/json."""
