"""Where uploaded pictures lie: in a directory, or in a store of objects."""
