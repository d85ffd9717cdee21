"""What is asked of Valkey or Redis: over a few connections to each server, within a deadline, behind a breaker."""
