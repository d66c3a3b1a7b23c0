"""Faces: REST, event stream, SDK, command line, console, and the wiring of processes."""
