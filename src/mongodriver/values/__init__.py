"""Plain value classes. The root modules are PyMongo's names for them."""

# All of it, before a module of it is imported by name: where another thread imports the package
# meanwhile, Python 3.14 calls that a deadlock.
import bsonx  # noqa: F401
