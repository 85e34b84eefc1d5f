"""Questions made from documents: by rules or by a language model, then filtered, and read by a person."""
