"""HTTP: requests are read here, and answered; no rows, no statements are touched."""
