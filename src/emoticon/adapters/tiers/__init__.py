"""Places that keep pictures. Each may lose everything at any time: that costs drawings, never an error."""
