"""The wire: what the HTTP interface takes and gives, checked and limited."""
