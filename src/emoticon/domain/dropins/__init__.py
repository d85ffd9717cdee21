"""Other services that draw pictures, one module each: from what their clients ask for to what is drawn here."""
