"""The record of a run: a folder, its events and its requests. Verdict and report read nothing else."""
