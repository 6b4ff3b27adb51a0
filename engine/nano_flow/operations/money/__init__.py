"""Operations about money: what would be spent, what was, what calls cost, what is kept."""
