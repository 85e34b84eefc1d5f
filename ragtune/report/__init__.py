"""The report: one self-contained HTML file, and the tables printed on the command line."""
