"""Tests of accounting/months/, each module's by its name."""
