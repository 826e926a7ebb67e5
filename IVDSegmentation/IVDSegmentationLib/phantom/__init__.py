"""A Dixon phantom of the lumbar spine with exact truth."""
