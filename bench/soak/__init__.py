"""A long run with faults: does memory or the number of open files grow, is anything executed twice?"""
