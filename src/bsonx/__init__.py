"""The BSON codec."""
