"""What is known of programs: which run others, which read code, and who reads what they print."""
