"""Limits of providers: how much may be asked at once and per minute, found out and kept to by all processes."""
