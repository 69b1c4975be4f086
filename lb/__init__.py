"""The reverse-proxy load balancer: sticky sessions, health checks, draining. It never reads the database."""
