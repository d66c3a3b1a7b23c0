"""Whose turn it is, and how much each may take."""
