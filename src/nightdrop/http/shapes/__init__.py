"""What requests and answers look like: pydantic models, which OpenAPI shows."""
