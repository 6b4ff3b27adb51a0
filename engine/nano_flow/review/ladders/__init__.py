"""Whole ladders of recorded conversations: the first ask, its verdict, repairs, the tiers above."""
