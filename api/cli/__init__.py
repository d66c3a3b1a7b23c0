"""The command line of those who use a broker: submit and follow jobs, see machines and money."""
