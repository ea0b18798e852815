"""How operations are described, and the OpenAPI document that is made from their descriptions."""
