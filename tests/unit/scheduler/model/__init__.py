"""Tests of scheduler/model/, each module's by its name."""
