"""The course as an offline site: every lecture executed, on pages that ask the network for nothing."""
