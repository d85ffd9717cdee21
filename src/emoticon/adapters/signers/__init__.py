"""Access tokens and refresh tokens, and the keys that they are signed with."""
