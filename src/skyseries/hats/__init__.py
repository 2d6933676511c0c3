"""The HATS format on disk (IVOA Note "HATS" 1.0): reading, writing, checking."""
