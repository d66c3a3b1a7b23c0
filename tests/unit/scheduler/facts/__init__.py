"""Tests of scheduler/facts/, each module's by its name."""
