"""Documents that people print, sign and file, made of what the books say."""
