"""Events, and the listeners they are published to."""
