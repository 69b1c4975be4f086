"""A guided tour: an upgrade as it should be, the same without a drain, and one in which a node is killed."""
