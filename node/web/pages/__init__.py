"""The HTML pages: one module a topic, each handler short; what they show is in ``templates``."""
