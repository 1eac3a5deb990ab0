"""Bytes → checked kind → pages. PDF work runs in child processes: a hostile file hurts only itself."""
