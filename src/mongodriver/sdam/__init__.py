"""Server discovery, monitoring and selection (the specifications of these names)."""
