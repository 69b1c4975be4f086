"""The simulator: starts the processes, plays a scenario, drives users and faults, records, judges and reports.

It stands outside: it does only what an administrator, an SRE or a user could do.
"""
