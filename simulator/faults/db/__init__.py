"""Faults of the database that the cluster shares."""
