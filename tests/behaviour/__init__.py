"""What a call does, stated once and run over every protocol that declares it can."""
