"""The books as sheets, as FOCUS, and as a claim's proofs."""
