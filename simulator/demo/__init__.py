"""A guided tour: the same upgrade twice, once as it should be and once without a drain."""
