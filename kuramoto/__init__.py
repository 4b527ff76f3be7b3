"""Coupled phase oscillators: what was observed of them, and how their order changed.

Tables: kuramoto_oscillators, synchronization_events, synchronization_states.
"""
