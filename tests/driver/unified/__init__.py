"""A runner of the MongoDB specifications' unified tests, in both flavours."""
