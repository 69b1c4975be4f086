"""Faults of the network between load balancer and node."""
