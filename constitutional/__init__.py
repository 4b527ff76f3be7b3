"""Policies that every run is held to, their violations and the review of these, and the guard of a run.

Tables: constitutional_policies and their versions, constitutional_violations and violation_notes,
policy_monitor_states and run_guard_states (what the monitor remembers between batches).
"""
