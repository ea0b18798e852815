"""What must hold so that nobody gets in: the OWASP table, and the proof that its tests fail without the defences."""
