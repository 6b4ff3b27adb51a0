"""Operations on a project: begun, checked, drawn; its providers, tools and health."""
