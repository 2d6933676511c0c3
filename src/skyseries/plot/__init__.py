"""Figures with matplotlib; arrays in, axes out."""
