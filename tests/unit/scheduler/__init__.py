"""Tests of scheduler/, each module's by its name."""
