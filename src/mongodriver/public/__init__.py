"""What the classes of both flavours have in common for their users."""
