"""What the description of the interface shows as asked and answered."""
