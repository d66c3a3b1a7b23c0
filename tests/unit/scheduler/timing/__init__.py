"""Tests of scheduler/timing/, each module's by its name."""
