"""Machines: device kinds, centres, and the drivers that run work on them."""
