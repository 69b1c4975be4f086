"""The REST resources, with Jira's paths, shapes and codes: one module a resource."""
