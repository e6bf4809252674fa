"""What stands behind one public client, from its first use until it is closed."""
