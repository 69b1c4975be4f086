"""The verdict: what the record proves, and what it does not. Pure: events and requests in, checks out."""

from simulator.verdict.judge import Verdict, reach_verdict
from simulator.verdict.model import Check, CheckKind, Evidence

__all__ = ["Check", "CheckKind", "Evidence", "Verdict", "reach_verdict"]
