"""What any face can do: each operation is one function with a typed result, and none of them prints."""
