"""The pure-Python twins of what the extension implements."""
