"""Counters of attempts: in this process, or in Valkey for all nodes."""
