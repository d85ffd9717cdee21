"""Access tokens, refresh tokens and tokens of share links, and the keys that they are signed with."""
