"""Money: usage, prices, holds, charges, statements and exports."""
