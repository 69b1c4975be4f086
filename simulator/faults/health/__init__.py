"""Faults of health checks: what the load balancer is told of a node."""
