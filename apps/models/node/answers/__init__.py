"""Answers to questions, by subject. Every module here is imported when the agent starts."""
