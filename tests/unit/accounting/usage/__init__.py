"""Tests of accounting/usage/, each module's by its name."""
