"""What time costs, and what pays for it beforehand: price lists, packages, vouchers."""
