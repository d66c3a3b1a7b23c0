"""Decisions: jobs, fair share, placement, the event log and the loop that writes it."""
