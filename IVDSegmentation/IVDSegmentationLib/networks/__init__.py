"""The networks: architectures, their inputs, and weights on disk with their model card."""
