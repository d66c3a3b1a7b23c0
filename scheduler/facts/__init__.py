"""What happened and what is known of it: events, and the state that is their fold."""
