"""Helpers shared by the test files; nothing in here is a test."""
