"""The instruments are tested first: the very ones of a run, against a small server with faults of known size."""
