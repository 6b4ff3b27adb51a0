"""What a workflow will take before it runs: bounds from its plan, likely figures from earlier runs."""
