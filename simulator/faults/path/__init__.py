"""The path proxy: a process between load balancer and nodes that can lose, delay, cut and falsify what passes."""
