"""Bring a node from its provider's metadata to its profile.

Python 3.9, standard library only: it runs before anything is installed.
"""
