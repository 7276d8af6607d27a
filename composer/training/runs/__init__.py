"""Runs on disk: a folder, its log and status, its curves, and runs side by side."""
