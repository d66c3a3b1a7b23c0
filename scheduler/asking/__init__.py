"""Questions that change nothing: what if, why, which rank, how full."""
