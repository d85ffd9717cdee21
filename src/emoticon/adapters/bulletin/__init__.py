"""How nodes tell each other of changes: within one process, or through Valkey."""
