"""The HTTP service: maps requests to what Python and the command line do too, and no logic of its own."""
