"""Tests of scheduler/placing/, each module's by its name."""
