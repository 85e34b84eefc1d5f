"""From scored answers to conclusions: records in, records out; nothing here loads a model or knows a machine."""
