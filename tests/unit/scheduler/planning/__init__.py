"""Tests of scheduler/planning/, each module's by its name."""
