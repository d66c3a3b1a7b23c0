"""Tests of accounting/prices/, each module's by its name."""
