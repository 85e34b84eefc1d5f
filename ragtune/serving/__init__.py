"""Serving: asking the assistant that a Run (or an experiment, or a corpus folder) describes."""
