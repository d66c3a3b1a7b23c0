"""Tests of accounting/storage/, each module's by its name."""
