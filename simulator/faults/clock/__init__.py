"""A node's clock."""
