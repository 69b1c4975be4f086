"""Faults of the upgrade itself: what is installed, and what becomes of the upgrade tasks."""
