"""Tests of accounting/, each module's by its name."""
