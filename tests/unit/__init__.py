"""One module of tests for each module, in the packages' order."""
