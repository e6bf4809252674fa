"""Server sessions and the state of explicit ones (the sessions specifications)."""
