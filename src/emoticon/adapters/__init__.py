"""The outside world behind the domain's ports; only `emoticon.wiring` imports this package."""
