"""Faults of the load balancer itself: its process ends, and users find nobody."""
