"""Operations on runs: started, resumed, listed, shown, compared, answered, cancelled, exported, pruned."""
