"""Who a client is, as its surroundings know it: files, environment, metadata services, Kerberos.

These functions block: a backend calls them (`Backend.call`). Nothing here is imported by clients
whose password stands in their options.
"""
