"""Evaluation: one file per metric family, judges behind one Protocol, statistics, slices."""
