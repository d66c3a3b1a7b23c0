"""What the client is made of: connection, calls, errors, uploads."""
