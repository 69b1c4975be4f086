"""How the simulator talks to the cluster: as an administrator and an SRE would, over HTTP."""
