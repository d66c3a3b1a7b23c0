"""The product as its users meet it: served processes, real Ray, a real browser."""
