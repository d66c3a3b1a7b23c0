"""What is asked and granted, who shares the park, by which policy: the words of all the rest."""
