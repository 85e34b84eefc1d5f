"""Experiments: the YAML file, the plan, the run, the Run folder."""
