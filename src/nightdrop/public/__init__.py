"""What users hold in their hands; `nightdrop` re-exports it."""
