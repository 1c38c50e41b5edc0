"""Figures: each function draws labelled data onto an `ax`, one module a section; none computes a result."""
