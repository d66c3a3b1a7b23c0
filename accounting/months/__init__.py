"""What happens to a month: closed, replied to, billed, settled, claimed."""
