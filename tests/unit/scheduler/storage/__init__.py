"""Tests of scheduler/storage/, each module's by its name."""
