"""The nodes of a plan: what it reads, and what each verb does to the rows of a part of the sky."""
