"""Plain value classes. The root modules are PyMongo's names for them."""
