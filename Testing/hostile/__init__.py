"""Hostile inputs of every class for the command line."""
