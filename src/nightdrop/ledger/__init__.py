"""What calls cost: prices, and the log that every call is written to before it is made."""
