"""Signals: from samples to frames and spectra and back. Every function works along the last axis, for any batch before it."""
