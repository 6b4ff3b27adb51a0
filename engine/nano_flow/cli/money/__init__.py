"""The commands about money: plan, prices, cache."""
