"""Between judge and student's process: plain values as bytes, and calls of what the other keeps. It runs on both sides."""
