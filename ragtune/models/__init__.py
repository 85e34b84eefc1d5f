"""Models: what a name means, where it runs, and loading it. Imports of torch happen when a model is used."""
