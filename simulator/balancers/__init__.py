"""The load balancers that can stand in front of a run's nodes: ours, and real ones of others.

``balancer.py`` says what a run needs of any of them. Each has its driver (``haproxy.py``) and, pure, its
configuration and the reading of its log (``haproxy_config.py``), which the benchmarks use too.
"""

from simulator.balancers.choice import KINDS, OURS, check_balancer, for_balancer, make_balancer, software_of

__all__ = ["KINDS", "OURS", "check_balancer", "for_balancer", "make_balancer", "software_of"]
