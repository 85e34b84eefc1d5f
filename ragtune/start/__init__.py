"""From a folder of documents to a corpus, questions and an experiment that runs: `ragtune init`."""
