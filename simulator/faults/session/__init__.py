"""Faults of sessions: what binds users to a node."""
