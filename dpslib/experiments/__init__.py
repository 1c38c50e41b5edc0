"""The papers' experiments: each is a function that returns a labelled data set, one module a section."""
