"""What steps say of models, judged: names, abilities, fallbacks, prices."""
