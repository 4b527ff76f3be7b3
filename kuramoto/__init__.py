"""Oscillators, synchronization events and the phase dynamics."""
