"""Handlers for types of other packages. Each is a module of its own; importing it registers its handlers."""
