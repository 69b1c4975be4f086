"""Faults of what a node answers, made by the path in its place."""
