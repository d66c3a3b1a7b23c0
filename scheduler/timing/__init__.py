"""What is free when: the starts and ends to come, and who may pass whom."""
