"""What each kind of step does, once its time has come."""
