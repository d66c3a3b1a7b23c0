"""The HTTP interface, a module for each thing that it is about."""
