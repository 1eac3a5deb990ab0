"""Servers and buckets reached by URL: file systems, and how they are signed in to."""
