"""Generation: prompts, local models, endpoints and the extractive generator."""
