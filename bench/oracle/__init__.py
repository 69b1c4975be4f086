"""The same cases through our load balancer and through others, side by side."""
