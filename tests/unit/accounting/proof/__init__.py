"""Tests of accounting/proof/, each module's by its name."""
