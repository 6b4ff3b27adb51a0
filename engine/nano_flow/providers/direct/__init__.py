"""Model calls without a library between: three languages of servers on one well-kept HTTP client."""
