"""Faults of the person who upgrades: habits that good administrators have given up."""
