"""Tests of scheduler/sharing/, each module's by its name."""
