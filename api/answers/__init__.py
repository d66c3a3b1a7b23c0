"""What the core says, as an answer and in sentences: in English and in Chinese."""
