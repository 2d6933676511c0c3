"""The verbs of `Catalog`, by what they are about; each adds a node to the plan."""
