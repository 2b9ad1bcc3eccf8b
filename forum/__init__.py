"""Callboard: the place where fashion models meet, learn and are safe.

The core: accounts, agencies, boards, notifications. Extensions live in `plugins/`
and are found by entry points; nothing in here names one.
"""

__version__ = "0.1.0"
