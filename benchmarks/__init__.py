"""Replays of traces, scores of schedules and measurements beside peers."""
