"""What is written of a catalog: versions, associations, how they were made."""
