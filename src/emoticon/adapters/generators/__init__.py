"""What draws emoticons: the styles that come with the service, and what turns them into pixels."""
