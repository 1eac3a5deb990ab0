"""The command line as a user calls it: real processes, real files."""
