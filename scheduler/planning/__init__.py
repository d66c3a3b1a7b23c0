"""The plan: who starts now and where, who is stopped, why others wait; and its verifier."""
