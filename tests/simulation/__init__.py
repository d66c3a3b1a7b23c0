"""The real controller in virtual time, among crashes, lost calls and two leaders at once."""
