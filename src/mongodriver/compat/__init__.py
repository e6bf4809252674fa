"""Serving code that was written for PyMongo."""
