"""Faults of a node's process, by signals and by the configuration of its next start."""
