"""What the load balancer tells of itself: access log, counters, metrics, and why a request went where it went."""
