"""Frames of a camera or a video file → faces that keep their number, steady readings, timelines and moments."""
