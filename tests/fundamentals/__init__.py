"""The tutorial made of tests: one concept a test, nothing mocked; the docstring says the behaviour."""
