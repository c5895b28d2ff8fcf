"""Measures of how good a model or its samples are; they take tensors, not models."""
