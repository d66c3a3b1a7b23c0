"""What was held and used: slices, what devices did, where capacity went."""
