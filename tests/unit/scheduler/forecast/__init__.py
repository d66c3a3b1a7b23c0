"""Tests of scheduler/forecast/, each module's by its name."""
