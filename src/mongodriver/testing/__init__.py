"""What the driver offers to test suites."""
