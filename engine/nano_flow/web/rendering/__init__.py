"""From values to HTML: templates that escape everything, figures in words, drawings."""
