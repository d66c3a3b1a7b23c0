"""Whether the books are what was written, and the evidence of it."""
