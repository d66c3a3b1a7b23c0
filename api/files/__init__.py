"""Files that people write: a park, a job."""
