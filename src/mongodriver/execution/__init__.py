"""How an operation is run: its attempts, their stages, and retrying."""
