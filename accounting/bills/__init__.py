"""Papers of a month, pure: the same facts are the same bytes."""
