"""Frames of a camera or a video file → faces that keep their number, and readings that do not flicker."""
