"""The books in PostgreSQL: facts are written once, and chained."""
