"""The operations of the service: one registry that the routes and the OpenAPI document are both made from."""
