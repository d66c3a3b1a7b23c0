"""Tests of scheduler/asking/, each module's by its name."""
