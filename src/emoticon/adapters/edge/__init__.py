"""Published answers: in memory, or as files that nginx serves."""
