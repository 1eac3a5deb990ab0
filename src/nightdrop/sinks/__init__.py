"""Where results go: rows as JSONL or CSV, written completely or not at all; and sinks outside, once a document."""
