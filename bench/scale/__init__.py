"""Many clients, many nodes: memory per connection, latency among idle ones, what health checks cost."""
