"""New objects with every field that this version of the API sends; one module per family."""
