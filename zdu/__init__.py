"""ZDU simulator: rehearse a zero downtime upgrade on a laptop, and learn truthfully whether anyone noticed.

This package is the public face and the words that all parts share; the parts themselves (``shared_db``, ``node``,
``lb``, ``simulator``, ``scenarios``) live beside it and are imported only when a command needs them.
"""

__version__ = "0.1.0"
