"""`ragtune search`: setups proposed from ranges, raced on one split, and the best one written as an experiment."""
