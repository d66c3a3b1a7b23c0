"""Tests of accounting/bills/, each module's by its name."""
