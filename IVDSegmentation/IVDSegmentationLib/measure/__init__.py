"""What is measured of a segmented disc: frame, dimensions, volume, contrast, surface, quality, agreement with a reference."""
