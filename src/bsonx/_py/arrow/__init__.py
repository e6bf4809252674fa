"""Arrow data: what both implementations go by, and the pure one."""
