"""Several hosts on one machine: network namespaces, joined by a bridge, each with its own address. Linux, as root."""
