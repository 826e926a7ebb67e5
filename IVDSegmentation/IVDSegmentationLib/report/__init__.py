"""A result as files: label map, tables, report.json, report.html, surfaces."""
