"""Where results go: rows as JSONL or CSV, written completely or not at all."""
