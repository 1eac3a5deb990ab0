"""Where documents come from: listing sources and reading bytes, with typed errors."""
