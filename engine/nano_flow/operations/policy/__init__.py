"""Operations on routing policies: explained, tested, compared, replayed, trained."""
