"""Users at work and probes that measure, over real HTTP through the load balancer."""
