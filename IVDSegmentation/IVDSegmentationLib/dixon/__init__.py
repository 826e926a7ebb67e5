"""The Dixon examination: its four channels, the relations between them, and the case that the pipeline takes."""
