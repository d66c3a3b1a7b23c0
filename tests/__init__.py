"""The tests; their folders mirror what they check."""
