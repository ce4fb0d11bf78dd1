"""What an account asks for besides a password: codes of an authenticator app, recovery codes for
the day when it is lost, and passkeys."""
