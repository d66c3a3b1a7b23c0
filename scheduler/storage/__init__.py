"""The log and the read models in PostgreSQL."""
