"""How contents get from the source into the data store, in earnest and in a rehearsal."""
