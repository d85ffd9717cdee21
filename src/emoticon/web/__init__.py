"""HTTP: routes that translate requests into calls of the services, and their answers back."""
