"""What is learned from what has run: how long work takes, and how punctual forecasts are."""
