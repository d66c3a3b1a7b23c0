"""The processes: a broker, an agent, a whole park on one machine, and what looks after them."""
