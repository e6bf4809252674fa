"""Connections, how they are established, and their pools (the CMAP specification)."""
