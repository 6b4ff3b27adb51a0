"""What changes while somebody looks: the store is followed, browsers and programs are told."""
