"""Pictures that strangers send, turned into harmless ones in processes of their own."""
