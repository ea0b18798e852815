"""What the schemas of all slices share: fields, problems, and how pydantic reads a document."""
