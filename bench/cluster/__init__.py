"""Fifty nodes on one database: how fast they join, whether their heartbeats are on time, what each of them takes."""
